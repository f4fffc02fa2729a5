/* again: a statement that met another process is run again from its start.
 *
 * Statements that define something look first (is it there?) and then commit. Between the two
 * another process may have been first: then the look was out of date, not the statement wrong. It
 * has changed nothing yet, so it is carried out anew and answers by what is there now: IF NOT
 * EXISTS is content, OR REPLACE replaces the newer one, two columns that are added at once are both
 * there, and an error has its place. Guarded by tests/e2e/test_concurrent_sql.py.
 *
 * Not inside a transaction, which stays at what it saw; and not statements whose rows would have to
 * be made again: these answer TARN_CONFLICT (lake/commit.c tries what can be tried without).
 */
#include "base/clock.h"
#include "base/random.h"
#include "sql/verbs_int.h"

#define TRIES_MAX    16
#define WAIT_MAX_NS  5000000u /* of the first wait; doubled up to the fifth */
#define DOUBLING_MAX 5

enum tarn_status tarn__raced(struct tarn__run *r, enum tarn_status status)
{
    r->raced = status == TARN_CONFLICT || status == TARN_EXISTS || status == TARN_NOT_FOUND ||
               status == TARN_TABLE;
    return status;
}

bool tarn__may_run_again(const struct tarn__run *r, int tries)
{
    return r->raced && r->again && !r->sql->in_transaction && tries < TRIES_MAX;
}

enum tarn_status tarn__wait_for_others(struct tarn_op *op, int tries)
{
    uint64_t r, most_ns = WAIT_MAX_NS << (tries < DOUBLING_MAX ? tries : DOUBLING_MAX);
    TARN_TRY(tarn_random_bytes(op, &r, sizeof r));
    return tarn_clock_sleep(tarn_clock_real(), op, r % most_ns, 2);
}
