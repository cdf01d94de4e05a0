/* Preloaded into a process: counts what it writes below a folder, and lets one such operation fail or be the last.

   Operations: opening a file to write, write, fsync, rename, link, mkdir, unlink, rmdir, chmod. KIND is an errno, or
   -1: killed before it, -2: killed after it, -3: killed with half of a write done (after any other operation). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char root[PATH_MAX];
static long count, at;
static int kind, log_to = -1;

void inject_arm(const char *folder, long which, int what, int log) {
  strncpy(root, folder, sizeof root - 1);
  count = 0, at = which, kind = what, log_to = log;
}

long inject_count(void) { return count; }

__attribute__((constructor)) static void from_environment(void) {
  const char *folder = getenv("INJECT_ROOT"), *which = getenv("INJECT_AT"), *what = getenv("INJECT_KIND");
  if (folder && which && what) inject_arm(folder, atol(which), atoi(what), -1);
}

static void die(void) { kill(getpid(), SIGKILL); for (;;) pause(); }

static int below(int folder, const char *path) {
  char whole[2 * PATH_MAX], base[PATH_MAX], link[64];
  if (!root[0] || !path) return 0;
  if (path[0] == '/') return strncmp(path, root, strlen(root)) == 0;
  if (folder == AT_FDCWD) {
    if (syscall(SYS_getcwd, base, sizeof base) < 0) return 0;
  } else {
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t length = readlink(link, base, sizeof base - 1);
    if (length < 0) return 0;
    base[length] = 0;
  }
  snprintf(whole, sizeof whole, "%s/%s", base, path);
  return strncmp(whole, root, strlen(root)) == 0;
}

static int below_fd(int fd) {
  char link[64], path[PATH_MAX];
  if (!root[0]) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return strncmp(path, root, strlen(root)) == 0;
}

/* 0: go on; 1: go on, then die; -1: fail with errno. */
static int point(const char *what, const char *path) {
  long now = __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
  if (log_to >= 0) {
    char line[PATH_MAX + 64];
    int length = snprintf(line, sizeof line, "%s %s\n", what, path ? path : "");
    syscall(SYS_write, log_to, line, (size_t)length);
  }
  if (now != at) return 0;
  if (kind == -1) die();
  if (kind < 0) return 1;
  errno = kind;
  return -1;
}

#define REAL(name) ((typeof(&name))dlsym(RTLD_NEXT, #name))
#define GUARD(inside, what, path, call)            \
  do {                                             \
    if (!(inside)) return call;                    \
    int then = point(what, path);                  \
    if (then < 0) return -1;                       \
    int result = call;                             \
    if (then > 0) die();                           \
    return result;                                 \
  } while (0)
#define WRITES(flags) ((flags) & (O_WRONLY | O_RDWR | O_CREAT))
#define MODE(flags)                                                     \
  mode_t mode = 0;                                                      \
  if ((flags) & O_CREAT) {                                              \
    va_list rest;                                                       \
    va_start(rest, flags);                                              \
    mode = va_arg(rest, mode_t);                                        \
    va_end(rest);                                                       \
  }

int open(const char *path, int flags, ...) {
  MODE(flags)
  GUARD(WRITES(flags) && below(AT_FDCWD, path), "open", path, REAL(open)(path, flags, mode));
}
int open64(const char *path, int flags, ...) {
  MODE(flags)
  GUARD(WRITES(flags) && below(AT_FDCWD, path), "open", path, REAL(open64)(path, flags, mode));
}
int openat(int folder, const char *path, int flags, ...) {
  MODE(flags)
  GUARD(WRITES(flags) && below(folder, path), "open", path, REAL(openat)(folder, path, flags, mode));
}
ssize_t write(int fd, const void *bytes, size_t size) {
  if (fd == log_to || !below_fd(fd)) return REAL(write)(fd, bytes, size);
  int then = point("write", "");
  if (then < 0) return -1;
  ssize_t result = REAL(write)(fd, bytes, then > 0 && kind == -3 ? size / 2 : size);
  if (then > 0) die();
  return result;
}
int fsync(int fd) { GUARD(below_fd(fd), "fsync", "", REAL(fsync)(fd)); }
int fdatasync(int fd) { GUARD(below_fd(fd), "fsync", "", REAL(fdatasync)(fd)); }
int rename(const char *from, const char *to) { GUARD(below(AT_FDCWD, to), "rename", to, REAL(rename)(from, to)); }
int renameat(int a, const char *from, int b, const char *to) {
  GUARD(below(b, to), "rename", to, REAL(renameat)(a, from, b, to));
}
int link(const char *from, const char *to) { GUARD(below(AT_FDCWD, to), "link", to, REAL(link)(from, to)); }
int linkat(int a, const char *from, int b, const char *to, int flags) {
  GUARD(below(b, to), "link", to, REAL(linkat)(a, from, b, to, flags));
}
int mkdir(const char *path, mode_t mode) { GUARD(below(AT_FDCWD, path), "mkdir", path, REAL(mkdir)(path, mode)); }
int mkdirat(int folder, const char *path, mode_t mode) {
  GUARD(below(folder, path), "mkdir", path, REAL(mkdirat)(folder, path, mode));
}
int unlink(const char *path) { GUARD(below(AT_FDCWD, path), "unlink", path, REAL(unlink)(path)); }
int unlinkat(int folder, const char *path, int flags) {
  GUARD(below(folder, path), "unlink", path, REAL(unlinkat)(folder, path, flags));
}
int rmdir(const char *path) { GUARD(below(AT_FDCWD, path), "rmdir", path, REAL(rmdir)(path)); }
int chmod(const char *path, mode_t mode) { GUARD(below(AT_FDCWD, path), "chmod", path, REAL(chmod)(path, mode)); }
int fchmodat(int folder, const char *path, mode_t mode, int flags) {
  GUARD(below(folder, path), "chmod", path, REAL(fchmodat)(folder, path, mode, flags));
}
int fchmod(int fd, mode_t mode) { GUARD(below_fd(fd), "chmod", "", REAL(fchmod)(fd, mode)); }
