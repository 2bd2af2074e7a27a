namespace Emu3.Gateway.Access;

/// <summary>What is logged about keys. Never one, nor a part of one.</summary>
internal static partial class AccessLog
{
    [LoggerMessage(LogLevel.Information, "Anyone on this machine can use it: there are no keys.")]
    public static partial void NoKeys(ILogger logger);

    [LoggerMessage(LogLevel.Information, "Every request must show a key.")]
    public static partial void KeysRequired(ILogger logger);

    [LoggerMessage(LogLevel.Information, "Every request must show a key; the one in {File} is an admin's.")]
    public static partial void KeysRequiredWithBootstrap(ILogger logger, string file);

    [LoggerMessage(LogLevel.Information, "{Actor} did {Act} to {Target}.")]
    public static partial void AdminActed(ILogger logger, string actor, string act, string target);
}
