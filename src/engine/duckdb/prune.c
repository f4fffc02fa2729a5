/* prune: placeholder until the planner */
#include "engine/duckdb/engine_int.h"
void tarn__prune(struct tarn_session *s, struct tarn_op *op, struct tarn_str sql, struct tarn__names *names)
{
    (void)s; (void)op; (void)sql; (void)names;
}
