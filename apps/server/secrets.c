/* SPDX-License-Identifier: Apache-2.0 */
/* secrets.c - see secrets.h. */

#include "apps/server/secrets.h"

#include "core/base/random.h"
#include "core/base/secret.h"

GBytes *
kept_secret(struct store *s, const char *name, size_t len, GError **error)
{
    GBytes *kept = store_get_secret(s, name);

    if (kept && g_bytes_get_size(kept) == len)
        return kept;
    g_clear_pointer(&kept, g_bytes_unref);
    struct secret *fresh = secret_new(NULL, len);
    random_bytes(fresh->bytes, len);
    bool ok = store_set_secret(s, name, fresh->bytes, len, error);
    secret_free(fresh);
    return ok ? store_get_secret(s, name) : NULL;
}
