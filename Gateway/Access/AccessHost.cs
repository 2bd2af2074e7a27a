using Emu3.Gateway.Cluster;
using Emu3.Gateway.Usage;
using Emu3.Storage.Configuration;

namespace Emu3.Gateway.Access;

/// <summary>Puts the check of keys into a gateway, or, where there are none, that of names.</summary>
internal static class AccessHost
{
    public static void Add(IServiceCollection services) => services.AddCors()
        .AddScoped<Caller>().AddScoped<AuditTrail>().AddScoped<Admission>()
        .AddSingleton<KnownKeys>().AddSingleton<QueueView>().AddSingleton<WorkerRates>().AddSingleton<OpenStreams>().AddSingleton<UsageReader>();

    /// <summary>Before all routes, and behind what gives failures their answers.</summary>
    /// <exception cref="ConfigurationException">Everyone in the network could use it, or its bootstrap key can't be used.</exception>
    public static void Use(WebApplication app, Uri address, ILogger logger)
    {
        var options = app.Services.GetRequiredService<GatewayHostOptions>();
        var rules = KeyRules.Of(options, address);
        var check = new KeyCheck(rules, app.Services.GetRequiredService<KnownKeys>(), app.Services.GetRequiredService<TimeProvider>());
        CrossOrigin.Use(app);
        if (!rules.AreRequired) app.Use(new HostCheck(options.PublicAddress, options.CorsOrigins).Handle);
        app.Use(check.Handle);
        app.Lifetime.ApplicationStarted.Register(() =>
        {
            if (!rules.AreRequired) AccessLog.NoKeys(logger);
            else if (rules.Bootstrap is null) AccessLog.KeysRequired(logger);
            else AccessLog.KeysRequiredWithBootstrap(logger, options.BootstrapKeyFile!);
        });
    }
}
