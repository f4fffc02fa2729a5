/* overlay: what a program's pread() does so that the engine reads data files rightly.
 *
 * Some bytes of footers are to be seen otherwise than they lie in the file (duckdb/overlay_int.h). The
 * engine reads by pread() and nothing else can stand in between, so a program that wants such
 * files read defines pread() itself and hands on what the kernel gave; src/cli/pread.c does. A program
 * that does not, as one that links libtarn, reads all other files, and is refused those.
 */
#ifndef TARN_ENGINE_OVERLAY_H
#define TARN_ENGINE_OVERLAY_H

#include <stdint.h>

/* The n bytes that were read at `offset` of an open file: changed where they are to be. Any thread;
 * errno stays. */
void tarn_overlay_show(int fd, void *bytes, int64_t n, int64_t offset);

#endif
