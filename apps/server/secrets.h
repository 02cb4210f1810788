/* SPDX-License-Identifier: Apache-2.0 */
/* secrets.h - random bytes that the server draws once and keeps. */
#pragma once

#include "core/store/store.h"

/* The len bytes of that setting; made and stored the first time. NULL and an error: the disk. */
GBytes *kept_secret(struct store *s, const char *name, size_t len, GError **error);
