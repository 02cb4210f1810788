/* SPDX-License-Identifier: Apache-2.0 */
/* error.c - see error_priv.h. */

#include "platform/unix/error_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

static void set_error(GError **error, int err, const char *format, va_list ap) G_GNUC_PRINTF(3, 0);

static void
set_error(GError **error, int err, const char *format, va_list ap)
{
    g_autofree char *text = g_strdup_vprintf(format, ap);
    if (err == 0)
        g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, text);
    else
        g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(err), "%s: %s", text,
                    g_strerror(err));
}

bool
pf_fail(GError **error, int err, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    set_error(error, err, format, ap);
    va_end(ap);
    errno = err;
    return false;
}

int
pf_fail_fd(GError **error, int fd, const char *format, ...)
{
    int err = errno;
    va_list ap;
    va_start(ap, format);
    set_error(error, err, format, ap);
    va_end(ap);
    if (fd >= 0)
        (void)close(fd); /* the first error is the one that counts */
    errno = err;
    return -1;
}
