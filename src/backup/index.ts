// Backups: copies of a running node’s databases, what is new since the last, and data folders made of them.

export { type BackupPlace, placeAt } from './backup-place.ts';
export { type BackupSummary, listBackups, makeBackup } from './make-backup.ts';
export { type RestoreSummary, restoreBackup } from './restore-backup.ts';
export { SnapshotPages } from './snapshot-pages.ts';
