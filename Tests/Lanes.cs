using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(Emu3.Tests.LanesFirst))]

namespace Emu3.Tests;

// Tests that start processes are in lanes: one at a time in each lane, beside all other tests. They mostly wait, for processes that start and for deaths that are
// noticed, and have patience with a busy machine. Tests that need the machine to themselves are Alone.

/// <summary>Tests on clusters whose processes are disturbed.</summary>
[CollectionDefinition(nameof(ProcessClusters))]
public sealed class ProcessClusters;

/// <summary>Tests on clusters of processes whose database, object store or release is disturbed.</summary>
[CollectionDefinition(nameof(StoreClusters))]
public sealed class StoreClusters;

/// <summary>Tests on clusters in containers.</summary>
[CollectionDefinition(nameof(ContainerClusters))]
public sealed class ContainerClusters;

/// <summary>Tests that run <c>emu3</c> as its users do.</summary>
[CollectionDefinition(nameof(Programs))]
public sealed class Programs;

/// <summary>Starts the lanes first: otherwise they would go on long after all other tests have ended.</summary>
public sealed class LanesFirst : ITestCollectionOrderer
{
    private static readonly string[] s_lanes = [nameof(StoreClusters), nameof(ProcessClusters), nameof(ContainerClusters), nameof(Programs)];

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection =>
        [.. DefaultTestCollectionOrderer.Instance.OrderTestCollections(testCollections).OrderBy(tests => !s_lanes.Contains(tests.TestCollectionDisplayName))];
}
