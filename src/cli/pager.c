/* pager: results that are longer than the screen, through $PAGER, else less. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/console.h"

static bool in_path(const char *program)
{
    const char *path = getenv("PATH");
    char file[4096];
    struct tarn_str rest = tarn_str_view(path ? path : ""), folder;
    while (rest.ptr) {
        (void)tarn_str_cut(&rest, ':', &folder);
        int n = snprintf(file, sizeof file, "%.*s/%s", TARN_STR_ARG(folder), program);
        if (folder.len && n > 0 && (size_t)n < sizeof file && access(file, X_OK) == 0)
            return true;
    }
    return false;
}

/* NULL: none. An empty $PAGER means none. */
static const char *command(void)
{
    const char *named = getenv("PAGER");
    const char *term = getenv("TERM");
    if (named)
        return *named ? named : NULL;
    if (!term || !*term || strcmp(term, "dumb") == 0)
        return NULL;
    return in_path("less") ? "less -S -R -F -X" : NULL;
}

static bool fits_screen(struct tarn_str text)
{
    struct winsize size;
    size_t lines = 0;
    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    if (ioctl(1, TIOCGWINSZ, &size) != 0 || size.ws_row == 0)
        return true;
    return lines < size.ws_row; /* one for the prompt */
}

static bool start(const char *what, int in, pid_t *out)
{
    const char *const argv[] = {"sh", "-c", what, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE); /* the shell ignores them, the pager shall not */
    sigaddset(&defaults, SIGINT);
    if (posix_spawn_file_actions_init(&files) != 0)
        return false;
    if (posix_spawnattr_init(&how) != 0) {
        posix_spawn_file_actions_destroy(&files);
        return false;
    }
    bool ok =
        posix_spawn_file_actions_adddup2(&files, in, 0) == 0 &&
        posix_spawnattr_setsigdefault(&how, &defaults) == 0 &&
        posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGDEF) == 0 &&
        posix_spawn(out, "/bin/sh", &files, &how, (char *const *)(uintptr_t)argv, environ) == 0;
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    return ok;
}

/* A pager that is left early takes no more: no failure. */
static void feed(int fd, struct tarn_str text)
{
    while (text.len > 0) {
        ssize_t n = write(fd, text.ptr, text.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        text = tarn_str_of(text.ptr + n, text.len - (size_t)n);
    }
}

bool tarn__pager(struct tarn_str text)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    const char *what = command();
    int ends[2], how = 0;
    pid_t pid;
    if (!what || fits_screen(text) || pipe2(ends, O_CLOEXEC) != 0)
        return false;
    sigemptyset(&ignore.sa_mask);
    sigaction(SIGINT, &ignore, &before); /* Ctrl-C is the pager's while it runs */
    bool started = start(what, ends[0], &pid);
    close(ends[0]);
    if (started)
        feed(ends[1], text);
    close(ends[1]);
    while (started && waitpid(pid, &how, 0) < 0 && errno == EINTR)
        continue;
    sigaction(SIGINT, &before, NULL);
    return started && !(WIFEXITED(how) && WEXITSTATUS(how) == 127); /* 127: not found */
}
