/* SPDX-License-Identifier: Apache-2.0 */
/* files.c - a file replaced whole: after a crash there is the old one or the new one. */

#include "platform/platform.h"
#include "platform/unix/error_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
write_all(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len > 0) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

/* Writes a new file at the template name, which is filled in. Not even its name exists in vain on
 * failure. */
static bool
write_aside(char *template, const void *bytes, size_t len, unsigned mode)
{
    int fd = mkostemp(template, O_CLOEXEC); /* 0600 until all is in it */
    if (fd < 0)
        return false;
    bool ok = write_all(fd, bytes, len) && fchmod(fd, (mode_t)mode) == 0 && fsync(fd) == 0;
    int err = errno;
    if (close(fd) < 0 && ok) { /* a full quota may be told only now */
        ok = false;
        err = errno;
    }
    if (!ok) {
        (void)unlink(template);
        errno = err;
    }
    return ok;
}

static bool
sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    /* EINVAL: a file system whose folders need no such thing. */
    bool ok = fsync(fd) == 0 || errno == EINVAL;
    int err = errno;
    pf_close(fd);
    errno = err;
    return ok;
}

bool
pf_file_replace(const char *path, const void *bytes, size_t len, unsigned mode, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *base = g_path_get_basename(path);
    g_autofree char *aside = g_strdup_printf("%s/.%s.XXXXXX", folder, base);

    if (!write_aside(aside, bytes, len, mode))
        return pf_fail(error, errno, "cannot write '%s'", path);
    if (rename(aside, path) < 0) {
        int err = errno;
        (void)unlink(aside);
        return pf_fail(error, err, "cannot replace '%s'", path);
    }
    if (!sync_folder(folder))
        return pf_fail(error, errno, "cannot make sure that '%s' is on the disk", path);
    return true;
}
