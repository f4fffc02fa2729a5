/* fixture: see fixture.h. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

int fixture_setup(void **state)
{
    struct tarn_op *op = calloc(1, sizeof *op);
    *state = op;
    return op && tarn_op_init(op, 0, 0) == TARN_OK ? 0 : -1;
}

int fixture_teardown(void **state)
{
    tarn_op_release(*state);
    free(*state);
    return 0;
}

const char *text_of(struct tarn_str s)
{
    static char texts[8][4096];
    static int next;
    char *t = texts[next++ & 7];
    (void)snprintf(t, sizeof texts[0], "%.*s", (int)s.len, s.ptr ? s.ptr : "(absent)");
    return t;
}

char *file_text(const char *path, char *out, size_t size)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s cannot be read", path);
    size_t n = fread(out, 1, size - 1, f);
    out[n] = '\0';
    assert_int_equal(fclose(f), 0);
    return out;
}
