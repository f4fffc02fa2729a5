/* term: what the terminal can do, a line that tells how far the work is, numbers for people.
 *
 * Data goes to standard output, everything else to standard error. Without a terminal there is no
 * colour, no progress, no prompt.
 *   colours   --color always|never, else NO_COLOR (not empty: none), CLICOLOR_FORCE (not empty, not
 *             0: yes), TERM=dumb or no TERM: none, else where there is a terminal
 *   width     of the terminal, else COLUMNS, else 80
 */
#ifndef TARN_CLI_TERM_H
#define TARN_CLI_TERM_H

#include "base/clock.h"
#include "base/op.h"
#include "cli/options.h"

struct tarn_term_options {
    enum tarn_color color;
    bool progress;                  /* wanted: neither --quiet nor --no-progress */
    const char *const *environment; /* NULL: the process's */
};
struct tarn_term {
    bool in_tty, out_tty, err_tty; /* descriptors 0, 1, 2 */
    bool out_colour, err_colour;
    bool progress; /* wanted, and standard error is a terminal that can repaint */
    int width;     /* of the terminal that there is; 80 without one */
};
void tarn_term_init(struct tarn_term *term, const struct tarn_term_options *options);
/* The decision for one descriptor. */
bool tarn_term_colour(enum tarn_color color, bool tty, const char *const *environment);

/* ---- progress: one line at the bottom, painted over at most ten times a second
 *     struct tarn_progress p = {.fd = 2, .on = term.progress, .width = term.width,
 *                               .clock = tarn_clock_real()};
 *     tarn_progress_show(&p, "%d of %d  %s", 3, 9, name);    ... many times
 *     tarn_progress_clear(&p);      before anything else is written to the terminal, and at the end
 */
struct tarn_progress {
    int fd;
    bool on;
    int width;
    struct tarn_clock *clock;
    /* inside */
    bool shown;
    uint64_t last_ns;
};
/* The text is cut to the width; control characters are escaped. Paints if the last painting was 100
 * ms ago. */
void tarn_progress_show(struct tarn_progress *p, const char *fmt, ...) TARN_PRINTF(2, 3);
void tarn_progress_clear(struct tarn_progress *p);

/* ---- numbers; each appends */

/* "640 B", "4.1 KB", "41 KB", "1.2 GB": powers of 1000 */
void tarn_put_bytes(struct tarn_buf *b, uint64_t bytes);
/* "3 ms", "0.4 s", "12.3 s", "1m 05s", "2h 03m" */
void tarn_put_duration(struct tarn_buf *b, uint64_t ns);
/* "9999", "12 345": groups divided by U+202F from five digits on */
void tarn_put_count(struct tarn_buf *b, int64_t count);
/* "1 row", "12 345 rows" */
void tarn_put_plural(struct tarn_buf *b, int64_t count, const char *one, const char *many);

#endif
