-- The silos of each cluster. Every change of the table takes its version one further in the same statement and is refused when another came first;
-- only signs of life don't.
CREATE TABLE IF NOT EXISTS emu3_membership_version (
    cluster text COLLATE "C" PRIMARY KEY,
    version integer NOT NULL
);

CREATE TABLE IF NOT EXISTS emu3_membership (
    cluster    text COLLATE "C" NOT NULL,
    address    text NOT NULL,
    port       integer NOT NULL,
    generation integer NOT NULL,
    silo_name  text NOT NULL,
    host_name  text NOT NULL,
    status     integer NOT NULL, -- 3 active, 6 dead
    proxy_port integer NOT NULL, -- of the silo's gateway; 0 without one
    suspicions text,
    started_at timestamptz NOT NULL,
    alive_at   timestamptz NOT NULL,
    PRIMARY KEY (cluster, address, port, generation)
);

INSERT INTO OrleansQuery (QueryKey, QueryText) VALUES
('InsertMembershipVersionKey', $query$
    WITH made AS (
        INSERT INTO emu3_membership_version (cluster, version) VALUES (@DeploymentId, 0)
        ON CONFLICT DO NOTHING
        RETURNING 1
    )
    SELECT EXISTS (SELECT FROM made)
$query$),

-- At least one row, for the version: without columns of a silo when there is none.
('MembershipReadAllKey', $query$
    SELECT coalesce(v.version, 0) AS "Version", m.address AS "Address", m.port AS "Port", m.generation AS "Generation", m.silo_name AS "SiloName",
           m.host_name AS "HostName", m.status AS "Status", m.proxy_port AS "ProxyPort", m.suspicions AS "SuspectTimes",
           m.started_at AS "StartTime", m.alive_at AS "IAmAliveTime"
    FROM (SELECT CAST(@DeploymentId AS text) AS cluster) c
    LEFT JOIN emu3_membership_version v ON v.cluster = c.cluster
    LEFT JOIN emu3_membership m ON m.cluster = c.cluster
$query$),

('MembershipReadRowKey', $query$
    SELECT coalesce(v.version, 0) AS "Version", m.address AS "Address", m.port AS "Port", m.generation AS "Generation", m.silo_name AS "SiloName",
           m.host_name AS "HostName", m.status AS "Status", m.proxy_port AS "ProxyPort", m.suspicions AS "SuspectTimes",
           m.started_at AS "StartTime", m.alive_at AS "IAmAliveTime"
    FROM (SELECT CAST(@DeploymentId AS text) AS cluster) c
    LEFT JOIN emu3_membership_version v ON v.cluster = c.cluster
    LEFT JOIN emu3_membership m ON m.cluster = c.cluster AND m.address = @Address AND m.port = @Port AND m.generation = @Generation
$query$),

-- Two that come with one version queue for its row, and the second finds that it has moved on.
('InsertMembershipKey', $query$
    WITH advanced AS (
        UPDATE emu3_membership_version SET version = version + 1
        WHERE cluster = @DeploymentId AND version = @Version
          AND NOT EXISTS (
              SELECT FROM emu3_membership
              WHERE cluster = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation)
        RETURNING cluster
    ), made AS (
        INSERT INTO emu3_membership
            (cluster, address, port, generation, silo_name, host_name, status, proxy_port, started_at, alive_at)
        SELECT cluster, @Address, @Port, @Generation, @SiloName, @HostName, @Status, @ProxyPort, @StartTime, @IAmAliveTime
        FROM advanced
        RETURNING 1
    )
    SELECT EXISTS (SELECT FROM made)
$query$),

('UpdateMembershipKey', $query$
    WITH advanced AS (
        UPDATE emu3_membership_version SET version = version + 1
        WHERE cluster = @DeploymentId AND version = @Version
          AND EXISTS (
              SELECT FROM emu3_membership
              WHERE cluster = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation)
        RETURNING cluster
    ), replaced AS (
        UPDATE emu3_membership m
        SET status = @Status, suspicions = @SuspectTimes, alive_at = greatest(m.alive_at, @IAmAliveTime)
        FROM advanced
        WHERE m.cluster = advanced.cluster AND m.address = @Address AND m.port = @Port AND m.generation = @Generation
        RETURNING 1
    )
    SELECT EXISTS (SELECT FROM replaced)
$query$),

('UpdateIAmAlivetimeKey', $query$
    UPDATE emu3_membership SET alive_at = @IAmAliveTime
    WHERE cluster = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation
$query$),

('GatewaysQueryKey', $query$
    SELECT address AS "Address", proxy_port AS "ProxyPort", generation AS "Generation"
    FROM emu3_membership
    WHERE cluster = @DeploymentId AND status = @Status AND proxy_port > 0
$query$),

('DeleteMembershipTableEntriesKey', $query$
    WITH members AS (DELETE FROM emu3_membership WHERE cluster = @DeploymentId)
    DELETE FROM emu3_membership_version WHERE cluster = @DeploymentId
$query$),

('CleanupDefunctSiloEntriesKey', $query$
    DELETE FROM emu3_membership
    WHERE cluster = @DeploymentId AND status = 6 AND started_at < @IAmAliveTime AND alive_at < @IAmAliveTime
$query$),

-- One dead silo, unless it changed since it was read.
('CleanupDefunctSiloEntryKey', $query$
    DELETE FROM emu3_membership
    WHERE cluster = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation AND status = 6
      AND started_at = @StartTime AND alive_at = @IAmAliveTime AND coalesce(suspicions, '') = coalesce(@SuspectTimes, '')
$query$)
ON CONFLICT (QueryKey) DO UPDATE SET QueryText = excluded.QueryText WHERE OrleansQuery.QueryText <> excluded.QueryText;
