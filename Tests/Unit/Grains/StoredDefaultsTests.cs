using System.Buffers;
using System.Collections;
using System.Reflection;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using Orleans.Serialization.Buffers;
using Orleans.Serialization.Session;

namespace Emu3.Tests.Unit.Grains;

/// <summary>
/// A row that was written before a field existed does not have it. Orleans makes a positional record without running its constructor: the initial value of a
/// property in its body, or of a parameter, is then not there.
/// </summary>
[Trait("Suite", "Fast")]
public sealed class StoredDefaultsTests
{
    private static readonly ServiceProvider s_services = new ServiceCollection().AddSerializer(serializer => serializer
        .AddAssembly(typeof(ShardRow).Assembly).AddAssembly(typeof(JobId).Assembly)).BuildServiceProvider();

    public static TheoryData<Type> Positional => [.. typeof(JobId).Assembly.GetTypes().Concat(typeof(ShardRow).Assembly.GetTypes()).Where(type =>
        type is { IsClass: true, IsAbstract: false } && type.Namespace?.StartsWith("Emu3.", StringComparison.Ordinal) == true
        && type.GetCustomAttribute<GenerateSerializerAttribute>() is not null && !typeof(Exception).IsAssignableFrom(type)
        && type.GetConstructor([]) is null && Optional(type).Any())];

    [Theory]
    [MemberData(nameof(Positional), DisableDiscoveryEnumeration = true)]
    public void Record_ReadFromARowWithoutItsOptionalFields_HasTheirInitialValues(Type type)
    {
        var constructor = type.GetConstructors().OrderByDescending(candidate => candidate.GetParameters().Length).First();
        var made = constructor.Invoke([.. constructor.GetParameters().Select(parameter => parameter.HasDefaultValue ? parameter.DefaultValue : Blank(parameter.ParameterType))]);
        var read = ReadEmpty(type);

        Assert.All(Optional(type), property =>
            Assert.True(AreEqual(property.GetValue(made), property.GetValue(read)), $"{type.Name}.{property.Name} is {property.GetValue(read) ?? "null"} and not {property.GetValue(made) ?? "null"}"));
    }

    [Fact]
    public void There_AreSuchRecords() => Assert.NotEmpty(Positional);

    /// <summary>Stored properties that are not among the constructor's required parameters.</summary>
    private static IEnumerable<PropertyInfo> Optional(Type type)
    {
        var required = type.GetConstructors().SelectMany(constructor => constructor.GetParameters()).Where(parameter => !parameter.HasDefaultValue)
            .Select(parameter => parameter.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
        return type.GetProperties().Where(property => property.GetCustomAttribute<IdAttribute>() is not null && !required.Contains(property.Name));
    }

    /// <summary>An object of the type that has no field at all, as its codec reads it.</summary>
    private static object ReadEmpty(Type type)
    {
        using var session = s_services.GetRequiredService<SerializerSessionPool>().GetSession();
        var buffer = new ArrayBufferWriter<byte>();
        var writer = Writer.Create(buffer, session);
        writer.WriteStartObject(0, typeof(object), type);
        writer.WriteEndObject();
        writer.Commit();
        return s_services.GetRequiredService<Serializer>().Deserialize<object>(buffer.WrittenMemory)!;
    }

    private static object? Blank(Type type) => type.IsValueType ? Activator.CreateInstance(type) : null;

    private static bool AreEqual(object? one, object? other) =>
        one is IEnumerable ones and not string && other is IEnumerable others ? ones.Cast<object?>().SequenceEqual(others.Cast<object?>()) : Equals(one, other);
}
