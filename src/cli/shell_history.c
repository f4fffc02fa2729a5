/* shell_history: $XDG_STATE_HOME/tarn/history (else ~/.local/state), one entry a line, the newest
 * last.
 *
 * 1. The file's mode is 0600, made so before anything is in it.
 * 2. An entry with a word that tells of a secret is kept nowhere.
 * 3. Shells that run at the same time append; the file is cut when it has grown to twice its size.
 * 4. Nothing here is worth a failure: a history that cannot be kept is not kept.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sql_token.h"
#include "cli/shell_int.h"
#include "io/folder.h"

#define ENTRIES_MAX ((size_t)2000)
#define FILE_MAX    ((size_t)32 << 20)

bool tarn__history_is_secret(struct tarn_str entry)
{
    static const char *const words[] = {"password",   "passwd",  "secret",     "token",
                                        "access_key", "api_key", "credential", "private_key",
                                        "accesskey",  "apikey",  "privatekey", "identified by"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i]);
        for (size_t p = 0; p + n <= entry.len; p++)
            if (tarn_str_eq_nocase(tarn_str_of(entry.ptr + p, n), tarn_str_of(words[i], n)))
                return true;
    }
    return false;
}

static bool has_break(struct tarn_str s)
{
    return s.len && memchr(s.ptr, '\n', s.len);
}

bool tarn__history_one_line(struct tarn_str statement, struct tarn_buf *out)
{
    struct tarn_sql_token t;
    size_t end = 0;
    for (size_t p = 0; tarn_sql_token(statement, p, &t); p = end = t.end) {
        struct tarn_str token = tarn_str_of(statement.ptr + t.begin, t.end - t.begin);
        struct tarn_str gap = tarn_str_of(statement.ptr + end, t.begin - end);
        if (has_break(token)) /* a text over two lines would become another text */
            return false;
        if (has_break(gap) && tarn_str_trim(gap).len > 0) /* a comment ends with its line */
            return false;
        if (end > 0 && gap.len)
            tarn_buf_put(out, ' ');
        tarn_buf_str(out, token);
    }
    return !out->failed && out->len > 0;
}

/* ---- the file */

static struct tarn_str path_of(struct tarn_op *op)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    struct tarn_str path = {NULL, 0};
    if (state && *state == '/')
        path = tarn_sprintf(op, "%s/tarn", state);
    else if (home && *home == '/')
        path = tarn_sprintf(op, "%s/.local/state/tarn", home);
    if (!path.ptr || tarn_folder_make(op, path.ptr) != TARN_OK) {
        tarn_clear(op);
        return (struct tarn_str){NULL, 0};
    }
    return tarn_sprintf(op, "%s/history", path.ptr);
}

static void append(struct tarn__shell *s, struct tarn_str entry)
{
    struct tarn_buf b;
    int fd =
        open(s->history_path.ptr, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return;
    tarn_buf_init(&b, FILE_MAX);
    tarn_buf_str(&b, entry);
    tarn_buf_put(&b, '\n');
    if (!b.failed && fchmod(fd, 0600) == 0)
        (void)!write(fd, b.ptr, b.len);
    tarn_buf_release(&b);
    close(fd);
}

static void remember(struct tarn__shell *s, struct tarn_str line)
{
    HistEvent event;
    struct tarn_buf b; /* zero-terminated */
    tarn_buf_init(&b, FILE_MAX);
    tarn_buf_str(&b, line);
    if (!b.failed)
        history(s->history, &event, H_ENTER, b.ptr);
    tarn_buf_release(&b);
}

static size_t count_lines(struct tarn_str text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += text.ptr[i] == '\n';
    return n;
}

/* The file anew, of its last entries. */
static void cut_file(struct tarn__shell *s, struct tarn_op *op, struct tarn_str text)
{
    struct tarn_str temp = tarn_sprintf(op, "%s.%ld", s->history_path.ptr, (long)getpid());
    int fd = temp.ptr ? open(temp.ptr, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    if (fd < 0)
        return;
    bool done = tarn_output_bytes(op, fd, text, NULL) == TARN_OK;
    tarn_clear(op);
    close(fd);
    if (!done || rename(temp.ptr, s->history_path.ptr) != 0)
        (void)unlink(temp.ptr);
}

static void load(struct tarn__shell *s, struct tarn_op *op)
{
    struct stat info;
    struct tarn_str text, line;
    if (stat(s->history_path.ptr, &info) != 0 || (size_t)info.st_size > FILE_MAX ||
        !S_ISREG(info.st_mode) || tarn__read_file(op, s->history_path, &text) != TARN_OK) {
        tarn_clear(op);
        return;
    }
    size_t lines = count_lines(text), passed = lines > ENTRIES_MAX ? lines - ENTRIES_MAX : 0;
    for (size_t i = 0; i < passed; i++)
        (void)tarn_str_cut(&text, '\n', &line);
    if (passed > ENTRIES_MAX)
        cut_file(s, op, text);
    while (text.ptr && text.len) {
        (void)tarn_str_cut(&text, '\n', &line);
        if (line.len)
            remember(s, line);
    }
}

void tarn__history_open(struct tarn__shell *s)
{
    struct tarn_op *op = s->console->cli->op;
    s->history_path = path_of(op);
    if (s->history_path.ptr)
        load(s, op);
    tarn_clear(op);
}

void tarn__history_add(struct tarn__shell *s, struct tarn_str entry)
{
    struct tarn_buf one;
    struct tarn_str line;
    entry = tarn_str_trim(entry);
    if (!entry.len || tarn__history_is_secret(entry))
        return;
    tarn_buf_init(&one, FILE_MAX);
    if (!has_break(entry) || tarn__history_one_line(entry, &one)) {
        line = has_break(entry) ? tarn_buf_view(&one) : entry;
        remember(s, line);
        if (s->history_path.ptr)
            append(s, line);
    } else {
        while (entry.ptr && entry.len) { /* each line by itself */
            (void)tarn_str_cut(&entry, '\n', &line);
            if (tarn_str_trim(line).len)
                tarn__history_add(s, line);
        }
    }
    tarn_buf_release(&one);
}

void tarn__history_close(struct tarn__shell *s)
{
    s->history_path = (struct tarn_str){NULL, 0};
}
