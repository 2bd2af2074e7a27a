using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;

namespace Emu3.Storage.Objects;

/// <summary>Clients of the SDK, with those of its defaults replaced that do harm here. All repetitions are <see cref="S3Requests"/>'.</summary>
internal static class S3Clients
{
    private static readonly TimeSpan s_connect = TimeSpan.FromSeconds(3);

    /// <summary>New addresses behind the store's name are found within this time.</summary>
    private static readonly TimeSpan s_connectionLife = TimeSpan.FromMinutes(5);

    /// <param name="options">Have no problems.</param>
    /// <param name="endpoint">In place of the options' own.</param>
    public static AmazonS3Client Create(ObjectStoreOptions options, string? endpoint = null)
    {
        var config = new AmazonS3Config
        {
            ForcePathStyle = options.IsPathStyle,
            // The default sends a checksum behind the content, in a form that older stores refuse or store with the content.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            // The SDK's own repetitions have a quota for the process and the address, which an outage uses up within a second; from then on nothing is repeated.
            MaxErrorRetry = 0,
            // These come on top, ten by default, one after the other without a wait.
            MaxStaleConnectionRetries = 0,
            HttpClientFactory = new Connections(options.CaFile),
        };
        var address = endpoint ?? options.Endpoint;
        if (string.IsNullOrWhiteSpace(address))
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(options.SigningRegion);
        }
        else
        {
            // In this order, and without RegionEndpoint: that would empty ServiceURL, and requests would go to Amazon.
            config.ServiceURL = address;
            config.AuthenticationRegion = options.SigningRegion;
        }

        return options.HasKeyFiles ? new(new FileCredentials(options.AccessKeyFile!, options.SecretKeyFile!), config) : new(config);
    }

    private sealed class Connections(string? authorities) : HttpClientFactory
    {
        public override HttpClient CreateHttpClient(IClientConfig clientConfig)
        {
            var handler = new SocketsHttpHandler { ConnectTimeout = s_connect, PooledConnectionLifetime = s_connectionLife, AllowAutoRedirect = false };
            if (!string.IsNullOrWhiteSpace(authorities))
            {
                var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
                trust.CustomTrustStore.ImportFromPemFile(authorities);
                handler.SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = trust };
            }

            return new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan }; // each attempt has its own limit
        }

        /// <summary>The SDK's cache knows nothing of the authorities: a client without them would get one that trusts them.</summary>
        public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;
    }
}
