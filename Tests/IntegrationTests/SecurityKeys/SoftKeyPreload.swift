/// A library in front of umockdev's that mends what a process that lives long, or has several threads, dies of.
///
/// umockdev 0.17 keeps a list of 50 open devices: it never forgets those whose opening failed and ends the process
/// when the list is full. Two threads may take the same place in the list, and share a buffer in which the folder
/// that stands for /sys is looked up.
enum SoftKeyPreload {
  static var path: String { get throws { try library.get().path } }

  private static let library = Result { try Preload("soft-keys", source) }
  private static let source = """
    #include <dlfcn.h>
    #include <errno.h>
    #include <fcntl.h>
    #include <pthread.h>
    #include <stdarg.h>
    #include <string.h>
    #include <sys/vfs.h>

    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

    static void forked(void) { lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER; }

    __attribute__((constructor)) static void prepare(void) { pthread_atfork(NULL, NULL, forked); }

    static int open_next(const char *name, const char *path, int flags, mode_t mode) {
      int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, name);
      if (path == NULL || strncmp(path, "/dev/", 5) != 0) return next(path, flags, mode);
      pthread_mutex_lock(&lock);
      int descriptor = next(path, flags, mode);
      int error = errno;
      if (descriptor < 0) ((int (*)(int))dlsym(RTLD_NEXT, "close"))(-1); // forgotten
      pthread_mutex_unlock(&lock);
      errno = error;
      return descriptor;
    }

    static int mode_of(int flags, va_list arguments) {
      return flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    }

    #define OPEN(name) \\
      int name(const char *path, int flags, ...) { \\
        va_list arguments; \\
        va_start(arguments, flags); \\
        mode_t mode = mode_of(flags, arguments); \\
        va_end(arguments); \\
        return open_next(#name, path, flags, mode); \\
      }
    OPEN(open)
    OPEN(open64)
    int __open_2(const char *path, int flags) { return open_next("__open_2", path, flags, 0); }
    int __open64_2(const char *path, int flags) { return open_next("__open64_2", path, flags, 0); }

    #define STATFS(name, type) \\
      int name(int descriptor, struct type *buffer) { \\
        int (*next)(int, struct type *) = dlsym(RTLD_NEXT, #name); \\
        pthread_mutex_lock(&lock); \\
        int result = next(descriptor, buffer); \\
        pthread_mutex_unlock(&lock); \\
        return result; \\
      }
    STATFS(fstatfs, statfs)
    STATFS(fstatfs64, statfs64)
    """
}
