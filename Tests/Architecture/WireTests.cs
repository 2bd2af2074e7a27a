using System.Globalization;
using System.Reflection;
using System.Text;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;

namespace Emu3.Tests.Architecture;

/// <summary>
/// What travels between processes and what is stored, as a text: a change to it shows in a diff. An id or alias, once used, means the same for ever.
/// After a change that is meant, run this test with EMU3_WRITE_WIRE=1.
/// </summary>
[Trait("Suite", "Fast")]
public sealed class WireTests
{
    private static readonly Assembly[] s_assemblies = [typeof(IJobShard).Assembly, typeof(JobShard).Assembly];

    [Fact]
    public void Wire_IsWhatTheTextSays()
    {
        var path = Repository.PathTo("Tests", "Architecture", "wire.txt");
        var wire = Describe();
        if (Environment.GetEnvironmentVariable("EMU3_WRITE_WIRE") == "1") File.WriteAllText(path, wire);

        Assert.Equal(File.ReadAllText(path), wire);
    }

    [Fact]
    public void EverythingThatTravels_HasAnAlias_AndIdsOfItsOwn()
    {
        foreach (var type in Travelling())
        {
            Assert.True(type.GetCustomAttribute<AliasAttribute>() is not null, $"{type} has no [Alias]");
            var ids = Members(type).Select(member => member.Id).ToList();
            Assert.Equal(ids.Distinct(), ids);
        }

        Assert.All(Doors().SelectMany(door => door.GetMethods()).Where(method => !method.IsStatic), method =>
            Assert.True(method.GetCustomAttribute<AliasAttribute>() is not null, $"{method.DeclaringType}.{method.Name} has no [Alias]"));
        var aliases = Travelling().Concat(Doors()).Select(type => type.GetCustomAttribute<AliasAttribute>()!.Alias).ToList();
        Assert.Equal(aliases.Distinct(), aliases);
    }

    /// <summary>Some stores key rows by state name and grain key alone: two grain types of one state name would share a row.</summary>
    [Fact]
    public void StateNames_AreUnique()
    {
        var names = (from type in typeof(JobShard).Assembly.GetTypes()
                     from constructor in type.GetConstructors()
                     from parameter in constructor.GetParameters()
                     let state = parameter.GetCustomAttribute<PersistentStateAttribute>()
                     where state is not null
                     select state.StateName).ToList();

        Assert.NotEmpty(names);
        Assert.Equal(names.Distinct(), names);
    }

    /// <summary>A row read by a later version says which version wrote it.</summary>
    [Fact]
    public void StoredStates_CarryASchemaVersion()
    {
        var rows = from type in typeof(JobShard).Assembly.GetTypes()
                   from constructor in type.GetConstructors()
                   from parameter in constructor.GetParameters()
                   where parameter.GetCustomAttribute<PersistentStateAttribute>() is not null
                   select parameter.ParameterType.GetGenericArguments()[0];

        Assert.All(rows, row => Assert.NotNull(row.GetProperty("SchemaVersion")));
    }

    private static string Describe()
    {
        var text = new StringBuilder();
        foreach (var door in Doors())
        {
            text.Append(door.GetCustomAttribute<AliasAttribute>()!.Alias).Append('\n');
            foreach (var method in door.GetMethods().Where(method => !method.IsStatic).OrderBy(method => method.Name, StringComparer.Ordinal))
            {
                var parameters = string.Join(", ", method.GetParameters().Select(parameter => NameOf(parameter.ParameterType)));
                text.Append(CultureInfo.InvariantCulture, $"    {method.GetCustomAttribute<AliasAttribute>()!.Alias}({parameters}) → {NameOf(method.ReturnType)}\n");
            }
        }

        foreach (var type in Travelling())
        {
            text.Append(type.GetCustomAttribute<AliasAttribute>()!.Alias).Append('\n');
            foreach (var (id, name, member) in Members(type)) text.Append(CultureInfo.InvariantCulture, $"    {id} {name}: {NameOf(member)}\n");
        }

        foreach (var type in typeof(IJobShard).Assembly.GetTypes().Where(type => type.IsEnum).OrderBy(type => type.Name, StringComparer.Ordinal))
            text.Append(CultureInfo.InvariantCulture, $"{type.Name}\n    {string.Join(", ", Enum.GetNames(type).Select(name => $"{Convert.ToInt32(Enum.Parse(type, name), CultureInfo.InvariantCulture)} {name}"))}\n");
        return text.ToString();
    }

    private static IEnumerable<Type> Doors() => typeof(IJobShard).Assembly.GetTypes()
        .Where(type => type.IsInterface && typeof(IGrain).IsAssignableFrom(type)).OrderBy(type => type.Name, StringComparer.Ordinal);

    private static IEnumerable<Type> Travelling() => s_assemblies.SelectMany(assembly => assembly.GetTypes())
        .Where(type => type.Namespace is { } name && name.StartsWith("Emu3.", StringComparison.Ordinal) && type.GetCustomAttribute<GenerateSerializerAttribute>() is not null)
        .OrderBy(type => type.GetCustomAttribute<AliasAttribute>()?.Alias, StringComparer.Ordinal);

    private static IEnumerable<(uint Id, string Name, Type Type)> Members(Type type) =>
        from member in type.GetMembers(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.DeclaredOnly)
        let id = member.GetCustomAttribute<IdAttribute>()
        where id is not null
        orderby id.Id
        select (id.Id, member.Name, member is PropertyInfo property ? property.PropertyType : ((FieldInfo)member).FieldType);

    /// <summary>The alias where there is one: another name in the code changes nothing that travels.</summary>
    private static string NameOf(Type type) => type.GetCustomAttribute<AliasAttribute>() is { Alias: var alias } ? alias.Replace("emu3.", "", StringComparison.Ordinal)
        : type.IsArray ? NameOf(type.GetElementType()!) + "[]"
        : !type.IsGenericType ? type.Name
        : $"{type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)]}<{string.Join(", ", type.GetGenericArguments().Select(NameOf))}>";
}
