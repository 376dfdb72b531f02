/* What a process asks of its disk and its clock passes through here (LD_PRELOAD). A page that both sides have mapped says what comes of it:
 *
 *   0 mode i32: 0 as ever, 1 syncs and synced writes fail, 2 they hang        8 offset i64: of the wall clock, in milliseconds
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { as_ever, fails, hangs };

struct page {
  _Atomic int32_t mode;
  int32_t unused;
  _Atomic int64_t offset;
};

static struct page *page;

__attribute__((constructor)) static void open_page(void) {
  const char *path = getenv("E2E_FAULTS");
  if (path == NULL) return;
  int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) abort();
  void *mapped = mmap(NULL, sizeof(struct page), PROT_READ, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED) abort();
  close(file);
  page = mapped;
}

/* Whether it fails. Returns when it hangs no more. */
static int disk_fails(void) {
  if (page == NULL) return 0;
  struct timespec moment = {0, 5 * 1000 * 1000};
  while (atomic_load(&page->mode) == hangs) nanosleep(&moment, NULL);
  return atomic_load(&page->mode) == fails;
}

static int is_synced(int file) { return (fcntl(file, F_GETFL) & O_DSYNC) != 0; }

#define REAL(name) \
  static __typeof__(name) *real; \
  if (real == NULL) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define SYNC(name) \
  int name(int file) { \
    REAL(name); \
    if (disk_fails()) return errno = EIO, -1; \
    return real(file); \
  }

SYNC(fsync)
SYNC(fdatasync)

#define WRITE(name, what, length_type, offset_type) \
  ssize_t name(int file, what bytes, length_type length, offset_type position) { \
    REAL(name); \
    if (is_synced(file) && disk_fails()) return errno = EIO, -1; \
    return real(file, bytes, length, position); \
  }

WRITE(pwrite, const void *, size_t, off_t)
WRITE(pwrite64, const void *, size_t, off64_t)
WRITE(pwritev, const struct iovec *, int, off_t)
WRITE(pwritev64, const struct iovec *, int, off64_t)

static int64_t offset_now(void) { return page == NULL ? 0 : atomic_load(&page->offset); }

int clock_gettime(clockid_t which, struct timespec *now) {
  REAL(clock_gettime);
  int result = real(which, now);
  int64_t offset = which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE ? offset_now() : 0;
  if (result == 0 && offset != 0) {
    int64_t nanoseconds = now->tv_nsec + offset % 1000 * 1000000;
    int64_t carried = nanoseconds < 0 ? -1 : nanoseconds / 1000000000;
    now->tv_sec += offset / 1000 + carried;
    now->tv_nsec = nanoseconds - carried * 1000000000;
  }
  return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec exact;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &exact) != 0) return -1;
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}
