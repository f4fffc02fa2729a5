/* folder: local folders whose names survive a power cut.
 *
 * A new file is durable only when its folder, and every new folder above that, has been synced.
 * tarn_folder_sync climbs from a folder to the root of its mount and syncs each; a tarn_folders
 * remembers which are known to be durable, so that the second file in a folder costs one sync. A
 * folder is known by device, inode and time of birth: a folder that was removed and made again is
 * another one. Where the file system tells no time of birth, and for the first moments of a
 * folder's life, nothing is remembered.
 */
#ifndef TARN_IO_FOLDER_H
#define TARN_IO_FOLDER_H

#include "base/op.h"

struct tarn_folders;                         /* any thread; own lock */
struct tarn_folders *tarn_folders_new(void); /* NULL: no memory */
void tarn_folders_free(struct tarn_folders *known);

/* Makes the folder and those above it that are missing (mode 0777 less the umask). `path` is
 * absolute. */
enum tarn_status tarn_folder_make(struct tarn_op *op, const char *path) TARN_MUST_USE;
/* Syncs the folder's entries, and its own name all the way up. `known` may be NULL. An ancestor
 * that may not be opened for reading is taken for durable: it was not made by this user. */
enum tarn_status tarn_folder_sync(struct tarn_folders *known, struct tarn_op *op,
                                  const char *path) TARN_MUST_USE;

#endif
