/* check: see check.h. */
#include "check.h"

#include "base/arena.h"

struct tarn_op check_op(void)
{
    struct tarn_op op;
    assert_int_equal(tarn_op_init(&op, 0, 0), TARN_OK);
    return op;
}

void check_str_at(struct tarn_str s, const char *z, const char *file, int line)
{
    if (!s.ptr) {
        print_error("text is absent, \"%s\" expected\n", z);
        _fail(file, line);
    }
    if (tarn_str_is(s, z))
        return;
    print_error("\"%.*s\" is not \"%s\"\n", TARN_STR_ARG(s), z);
    _fail(file, line);
}

/* The failure was not used up: it strikes one of the next allocations. */
static bool failure_pending(void)
{
    for (int i = 0; i < 1000000; i++)
        if (tarn_alloc_should_fail())
            return true;
    return false;
}

void check_alloc_failures(enum tarn_status (*fn)(struct tarn_op *op, void *ctx), void *ctx)
{
    long n = 1;
    for (bool over = false; !over; n++) {
        struct tarn_op op = check_op();
        tarn_alloc_fail_at(n);
        enum tarn_status status = fn(&op, ctx);
        over = failure_pending();
        tarn_alloc_fail_at(0);
        assert_true(status == TARN_OK || status == TARN_NOMEM);
        assert_int_equal(op.report.status, status);
        if (status == TARN_NOMEM)
            assert_true(op.report.message[0] != '\0');
        if (over)
            assert_int_equal(status, TARN_OK);
        tarn_op_release(&op);
        assert_true(n < 100000);
    }
    assert_true(n > 2); /* the sweep met at least one allocation */
}
