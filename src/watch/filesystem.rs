//! Whether a folder lies on a file system that announces what other machines change.

use std::path::Path;

/// File systems whose changes by other hosts the kernel does not announce, by the magic numbers of `statfs(2)`.
const SILENT: &[(u32, &str)] = &[
    (0x6969, "NFS"),
    (0x6573_5546, "FUSE"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x1983_0326, "BeeGFS"),
    (0x0102_1997, "9P"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
];

/// The name of the silent file system that `folder` lies on, if it does.
pub(super) fn silent(folder: &Path) -> Option<&'static str> {
    let kind = rustix::fs::statfs(folder).ok()?.f_type;
    named(kind as u32)
}

fn named(magic: u32) -> Option<&'static str> {
    SILENT.iter().find(|(known, _)| *known == magic).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_known_and_local_ones_are_not() {
        assert_eq!(named(0x6969), Some("NFS"));
        assert_eq!(named(0xef53), None, "ext4");
        assert_eq!(silent(Path::new("/proc")), None);
    }
}
