/* A disk that fills up or breaks: loaded before the C library, it lets writes below one folder fail.

   CHAOS_UNDER: the folder. CHAOS_PLAN: a file of six 64-bit numbers, shared by all processes: bytes
   written, calls made, bytes and calls after which it fails (0: never), the error, calls refused. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

struct plan { uint64_t bytes, calls, after_bytes, after_calls, error, refused; };

static struct plan *plan;
static char under[PATH_MAX];

static void open_plan(void) __attribute__((constructor));
static void open_plan(void)
{
    const char *path = getenv("CHAOS_PLAN"), *folder = getenv("CHAOS_UNDER");
    if (!path || !folder || strlen(folder) >= sizeof under) return;
    int handle = open(path, O_RDWR | O_CLOEXEC);
    if (handle < 0) return;
    void *found = mmap(0, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, handle, 0);
    close(handle);
    if (found == MAP_FAILED) return;
    strcpy(under, folder);
    plan = found;
}

static int is_under(const char *path)
{
    char whole[PATH_MAX];
    size_t length = strlen(under);
    if (path[0] != '/') {
        if (!getcwd(whole, sizeof whole)) return 0;
        size_t end = strlen(whole);
        snprintf(whole + end, sizeof whole - end, "/%s", path);
        path = whole;
    }
    return !strncmp(path, under, length) && (path[length] == '/' || !path[length]);
}

static int is_file_under(int handle)
{
    char name[64], path[PATH_MAX];
    snprintf(name, sizeof name, "/proc/self/fd/%d", handle);
    ssize_t length = readlink(name, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return is_under(path);
}

/* Counts a call of so many bytes; 1 where it is to fail. */
static int fails(size_t bytes)
{
    uint64_t written = __sync_add_and_fetch(&plan->bytes, bytes);
    uint64_t calls = __sync_add_and_fetch(&plan->calls, 1);
    int full = plan->after_bytes && written > plan->after_bytes;
    int broken = plan->after_calls && calls > plan->after_calls;
    if (!full && !broken) return 0;
    __sync_add_and_fetch(&plan->refused, 1);
    errno = (int)plan->error;
    return 1;
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(real))dlsym(RTLD_NEXT, #name)

ssize_t write(int handle, const void *data, size_t size)
{
    REAL(write);
    return plan && is_file_under(handle) && fails(size) ? -1 : real(handle, data, size);
}

ssize_t pwrite(int handle, const void *data, size_t size, off_t at)
{
    REAL(pwrite);
    return plan && is_file_under(handle) && fails(size) ? -1 : real(handle, data, size, at);
}

ssize_t pwrite64(int handle, const void *data, size_t size, off64_t at)
{
    REAL(pwrite64);
    return plan && is_file_under(handle) && fails(size) ? -1 : real(handle, data, size, at);
}

ssize_t writev(int handle, const struct iovec *parts, int count)
{
    REAL(writev);
    size_t size = 0;
    for (int i = 0; i < count; i++) size += parts[i].iov_len;
    return plan && is_file_under(handle) && fails(size) ? -1 : real(handle, parts, count);
}

ssize_t sendfile(int to, int from, off_t *at, size_t size)
{
    REAL(sendfile);
    return plan && is_file_under(to) && fails(size) ? -1 : real(to, from, at, size);
}

ssize_t sendfile64(int to, int from, off64_t *at, size_t size)
{
    REAL(sendfile64);
    return plan && is_file_under(to) && fails(size) ? -1 : real(to, from, at, size);
}

/* What is buffered goes to the disk inside the C library, where nothing can be put before it. */
size_t fwrite(const void *data, size_t size, size_t count, FILE *file)
{
    REAL(fwrite);
    return plan && is_file_under(fileno(file)) && fails(size * count) ? 0 : real(data, size, count, file);
}

int fsync(int handle)
{
    REAL(fsync);
    return plan && is_file_under(handle) && fails(0) ? -1 : real(handle);
}

int fdatasync(int handle)
{
    REAL(fdatasync);
    return plan && is_file_under(handle) && fails(0) ? -1 : real(handle);
}

int rename(const char *from, const char *to)
{
    REAL(rename);
    return plan && is_under(to) && fails(0) ? -1 : real(from, to);
}
