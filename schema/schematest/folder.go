package schematest

import (
	"os"
	"syscall"
)

// memoryFolder is where Linux has a file system in memory.
const memoryFolder = "/dev/shm"

// memoryNeeded is how many bytes must be free in memoryFolder. The servers of a few packages run at a
// time, and each may have a gigabyte of write-ahead log.
const memoryNeeded = 8 << 30

// serverFolder returns the folder in which servers of tests keep their files. It is in memory where
// there is room: creating and dropping databases is mostly work of the file system, and takes a
// fifth of the time there.
func serverFolder() string {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(memoryFolder, &disk); err != nil {
		return os.TempDir()
	}
	if uint64(disk.Bavail)*uint64(disk.Bsize) < memoryNeeded {
		return os.TempDir()
	}
	return memoryFolder
}
