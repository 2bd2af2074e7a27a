namespace Emu3.Storage;

/// <summary>Knows file systems of other machines by name: locks and shared memory of SQLite don't work on them.</summary>
public static class NetworkFileSystem
{
    private static readonly HashSet<string> s_names = new(StringComparer.OrdinalIgnoreCase)
    {
        "nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afs", "afpfs", "ceph", "coda", "glusterfs", "gpfs", "lustre", "beegfs", "webdav",
        "fuse.sshfs", "fuse.ceph", "fuse.glusterfs", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse", "fuse.davfs", "fuse.juicefs",
    };

    /// <summary>Whether a file system of this name is on another machine.</summary>
    public static bool IsNetwork(string fileSystem) => s_names.Contains(fileSystem);

    /// <summary>Name of the network file system that a folder is on; null when it is on a local one.</summary>
    public static string? NameOf(string folder)
    {
        var drive = new DriveInfo(folder);
        return IsNetwork(drive.DriveFormat) || drive.DriveType == DriveType.Network ? drive.DriveFormat : null;
    }
}
