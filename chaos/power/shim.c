/* Between a process and its files: notes what is written and what is made durable, and lets the n-th of it fail.
 *
 * Preloaded (LD_PRELOAD) into the process that is tried; chaos/power/disk.py reads the notes and makes of them what
 * a disk can hold after the power went: all that was synced before, of the rest any part in any order.
 * Only files below the watched folder are looked at. One process, any thread.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { WRITE = 1, TRUNCATE = 2, SYNC = 3, SYNC_FOLDER = 4, MAKE = 5, UNLINK = 6 };
enum { MOST_FILES = 256, MOST_FDS = 65536 };

struct note { uint8_t what; uint8_t pad; uint16_t file; uint32_t length; int64_t offset; };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char folder[4096];
static char *files[MOST_FILES];
static int file_count;
static short of_fd[MOST_FDS]; /* number of the file + 1; -1 is the folder itself; 0 is none of ours */
static char *notes;
static size_t used, room;
static long count;
static long fail_at = -1;
static int fail_with, fail_always;

#define REAL(name) static __typeof__(name) *real; if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

void power_watch(const char *path) {
    pthread_mutex_lock(&lock);
    snprintf(folder, sizeof folder, "%s", path);
    memset(of_fd, 0, sizeof of_fd);
    for (int i = 0; i < file_count; i++) free(files[i]);
    file_count = 0; used = 0; count = 0; fail_at = -1;
    pthread_mutex_unlock(&lock);
}
void power_reset(void) { pthread_mutex_lock(&lock); used = 0; count = 0; fail_at = -1; pthread_mutex_unlock(&lock); }
long power_count(void) { return count; }
size_t power_used(void) { return used; }
const char *power_notes(void) { return notes; }
int power_files(void) { return file_count; }
const char *power_file(int number) { return files[number]; }
void power_fail(long at, int with, int always) { fail_at = at; fail_with = with; fail_always = always; }

static int number_of(const char *path) {
    for (int i = 0; i < file_count; i++) if (!strcmp(files[i], path)) return i;
    if (file_count == MOST_FILES) abort();
    files[file_count] = strdup(path);
    return file_count++;
}
/* 0: go on; else it has failed, errno set. Called with the lock held. */
static int failed(void) {
    if (fail_at >= 0 && (count == fail_at || (fail_always && count > fail_at))) { count++; errno = fail_with; return 1; }
    return 0;
}
static void keep(int what, int file, int64_t offset, const void *data, uint32_t length) {
    size_t size = sizeof(struct note) + length;
    if (used + size > room) { room = (used + size) * 2; notes = realloc(notes, room); if (!notes) abort(); }
    struct note head = { (uint8_t)what, 0, (uint16_t)file, length, offset };
    memcpy(notes + used, &head, sizeof head);
    if (length) memcpy(notes + used + sizeof head, data, length);
    used += size; count++;
}
static short ours(int fd) { return fd >= 0 && fd < MOST_FDS ? of_fd[fd] : 0; }

static void opened(int fd, const char *path, int was_there) {
    if (fd < 0 || fd >= MOST_FDS || !folder[0]) return;
    size_t length = strlen(folder);
    pthread_mutex_lock(&lock);
    of_fd[fd] = 0;
    if (!strncmp(path, folder, length)) {
        if (path[length] == 0 || (path[length] == '/' && path[length + 1] == 0)) of_fd[fd] = -1;
        else if (path[length] == '/') {
            int file = number_of(path + length + 1);
            of_fd[fd] = (short)(file + 1);
            if (!was_there) keep(MAKE, file, 0, NULL, 0);
        }
    }
    pthread_mutex_unlock(&lock);
}
#define OPEN(name) \
int name(const char *path, int flags, ...) { \
    REAL(name); mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { va_list more; va_start(more, flags); mode = va_arg(more, mode_t); va_end(more); } \
    struct stat there; int was_there = stat(path, &there) == 0; \
    int fd = real(path, flags, mode); \
    if (fd >= 0) opened(fd, path, was_there || !(flags & O_CREAT)); \
    return fd; }
OPEN(open)
OPEN(open64)

int close(int fd) {
    REAL(close);
    if (fd >= 0 && fd < MOST_FDS) of_fd[fd] = 0;
    return real(fd);
}
ssize_t write(int fd, const void *data, size_t length) {
    REAL(write);
    if (ours(fd) <= 0) return real(fd, data, length);
    pthread_mutex_lock(&lock);
    ssize_t done = -1;
    if (!failed()) {
        struct stat is; int64_t at = lseek(fd, 0, SEEK_CUR);
        if (fcntl(fd, F_GETFL) & O_APPEND) { fstat(fd, &is); at = is.st_size; }
        done = real(fd, data, length);
        if (done > 0) keep(WRITE, of_fd[fd] - 1, at, data, (uint32_t)done);
    }
    pthread_mutex_unlock(&lock);
    return done;
}
#define PWRITE(name, type) \
ssize_t name(int fd, const void *data, size_t length, type at) { \
    REAL(name); \
    if (ours(fd) <= 0) return real(fd, data, length, at); \
    pthread_mutex_lock(&lock); ssize_t done = -1; \
    if (!failed()) { done = real(fd, data, length, at); if (done > 0) keep(WRITE, of_fd[fd] - 1, at, data, (uint32_t)done); } \
    pthread_mutex_unlock(&lock); return done; }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)
#define TRUNC(name, type) \
int name(int fd, type size) { \
    REAL(name); \
    if (ours(fd) <= 0) return real(fd, size); \
    pthread_mutex_lock(&lock); int done = -1; \
    if (!failed()) { done = real(fd, size); if (!done) keep(TRUNCATE, of_fd[fd] - 1, size, NULL, 0); } \
    pthread_mutex_unlock(&lock); return done; }
TRUNC(ftruncate, off_t)
TRUNC(ftruncate64, off64_t)
#define SYNCING(name) \
int name(int fd) { \
    REAL(name); short file = ours(fd); \
    if (!file) return real(fd); \
    pthread_mutex_lock(&lock); int done = -1; \
    if (!failed()) { done = 0; keep(file < 0 ? SYNC_FOLDER : SYNC, file < 0 ? 0 : file - 1, 0, NULL, 0); } \
    pthread_mutex_unlock(&lock); return done; }
SYNCING(fsync)
SYNCING(fdatasync)
int unlink(const char *path) {
    REAL(unlink);
    size_t length = strlen(folder); int done = real(path);
    if (!done && length && !strncmp(path, folder, length) && path[length] == '/') {
        pthread_mutex_lock(&lock); keep(UNLINK, number_of(path + length + 1), 0, NULL, 0); pthread_mutex_unlock(&lock);
    }
    return done;
}
