-- Reminders of grains, by service. The hash is a place on a ring of 2^32, kept as a signed number: the ring is the same, begun at another place.
CREATE TABLE IF NOT EXISTS emu3_reminder (
    service    text COLLATE "C" NOT NULL,
    grain      text COLLATE "C" NOT NULL,
    name       text COLLATE "C" NOT NULL,
    hash       integer NOT NULL,
    starts_at  timestamptz NOT NULL,
    period     bigint NOT NULL, -- milliseconds
    version    integer NOT NULL,
    PRIMARY KEY (service, grain, name)
);

CREATE INDEX IF NOT EXISTS emu3_reminder_hash ON emu3_reminder (service, hash);

INSERT INTO OrleansQuery (QueryKey, QueryText) VALUES
('UpsertReminderRowKey', $query$
    INSERT INTO emu3_reminder (service, grain, name, hash, starts_at, period, version)
    VALUES (@ServiceId, @GrainId, @ReminderName, @GrainHash, @StartTime, @Period, 1)
    ON CONFLICT (service, grain, name) DO UPDATE
        SET starts_at = excluded.starts_at, period = excluded.period, hash = excluded.hash, version = emu3_reminder.version + 1
    RETURNING version AS "Version"
$query$),

('ReadReminderRowKey', $query$
    SELECT grain AS "GrainId", name AS "ReminderName", starts_at AS "StartTime", period AS "Period", version AS "Version"
    FROM emu3_reminder
    WHERE service = @ServiceId AND grain = @GrainId AND name = @ReminderName
$query$),

('ReadReminderRowsKey', $query$
    SELECT grain AS "GrainId", name AS "ReminderName", starts_at AS "StartTime", period AS "Period", version AS "Version"
    FROM emu3_reminder
    WHERE service = @ServiceId AND grain = @GrainId
$query$),

('ReadRangeRows1Key', $query$
    SELECT grain AS "GrainId", name AS "ReminderName", starts_at AS "StartTime", period AS "Period", version AS "Version"
    FROM emu3_reminder
    WHERE service = @ServiceId AND hash > @BeginHash AND hash <= @EndHash
$query$),

-- A range that goes round through the ring's end; the whole ring when both ends are one.
('ReadRangeRows2Key', $query$
    SELECT grain AS "GrainId", name AS "ReminderName", starts_at AS "StartTime", period AS "Period", version AS "Version"
    FROM emu3_reminder
    WHERE service = @ServiceId AND (hash > @BeginHash OR hash <= @EndHash)
$query$),

('DeleteReminderRowKey', $query$
    WITH removed AS (
        DELETE FROM emu3_reminder
        WHERE service = @ServiceId AND grain = @GrainId AND name = @ReminderName AND version = @Version
        RETURNING 1
    )
    SELECT EXISTS (SELECT FROM removed)
$query$),

('DeleteReminderRowsKey', $query$
    DELETE FROM emu3_reminder WHERE service = @ServiceId
$query$)
ON CONFLICT (QueryKey) DO UPDATE SET QueryText = excluded.QueryText WHERE OrleansQuery.QueryText <> excluded.QueryText;
