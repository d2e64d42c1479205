// A disk that fails on demand, put in front of the C library with LD_PRELOAD. While the file FAULTS/full is there, no regular file grows
// (except standard error); the first sync of a write-ahead log after FAULTS/sync appeared fails with EIO and takes that file away.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static int wanted(const char *name, char *path, size_t size) {
    const char *folder = getenv("FAULTS");
    if (!folder) return 0;
    snprintf(path, size, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

static int full(int file, off_t end) {
    char path[4096];
    struct stat about;
    if (file == 2 || !wanted("full", path, sizeof path)) return 0;
    if (fstat(file, &about) != 0 || !S_ISREG(about.st_mode)) return 0;
    return end > about.st_size;
}

static int sync_fails(int file) {
    char path[4096], link[64], target[4096];
    if (!wanted("sync", path, sizeof path)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, target, sizeof target - 1);
    if (length < 4 || strncmp(target + length - 4, "-wal", 4) != 0) return 0;
    return unlink(path) == 0;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t pwrite64(int file, const void *from, size_t count, off64_t at) {
    if (full(file, at + (off64_t)count)) { errno = ENOSPC; return -1; }
    return REAL(pwrite64)(file, from, count, at);
}
ssize_t pwrite(int file, const void *from, size_t count, off_t at) {
    if (full(file, at + (off_t)count)) { errno = ENOSPC; return -1; }
    return REAL(pwrite)(file, from, count, at);
}
ssize_t write(int file, const void *from, size_t count) {
    if (file > 2 && full(file, lseek(file, 0, SEEK_CUR) + (off_t)count)) { errno = ENOSPC; return -1; }
    return REAL(write)(file, from, count);
}
int fallocate64(int file, int mode, off64_t at, off64_t count) {
    if (full(file, at + count)) { errno = ENOSPC; return -1; }
    return REAL(fallocate64)(file, mode, at, count);
}
int fsync(int file) {
    if (sync_fails(file)) { errno = EIO; return -1; }
    return REAL(fsync)(file);
}
int fdatasync(int file) {
    if (sync_fails(file)) { errno = EIO; return -1; }
    return REAL(fdatasync)(file);
}
