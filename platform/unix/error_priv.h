/* SPDX-License-Identifier: Apache-2.0 */
/* error_priv.h - how this folder fills in a GError; for this folder only. */
#pragma once

#include <glib.h>

#include <stdbool.h>

/* Sets error to the message, a colon and the text of err (0: the message alone), and errno to err.
 * Always false, so that a function can end with it. */
bool pf_fail(GError **error, int err, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* The same with errno taken at the call, for a function that returns a descriptor: closes fd if it
 * is one. Always -1. */
int pf_fail_fd(GError **error, int fd, const char *format, ...) G_GNUC_PRINTF(3, 4);
