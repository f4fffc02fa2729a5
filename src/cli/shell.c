/* shell: to be */
#include "cli/console.h"
enum tarn_status tarn__shell(struct tarn_console *c)
{
    return tarn_fail(c->cli->op, TARN_USAGE, "no statement was given");
}
