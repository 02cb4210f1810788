/* SPDX-License-Identifier: Apache-2.0 */
/* admission.c - see admission.h. */

#include "core/proto/admission.h"

#include <glib.h>

struct admission {
    unsigned most, most_address;
    GMutex lock;       /* guards the table and the total */
    GHashTable *count; /* struct ip -> how many */
    unsigned total;
};

static unsigned
ip_hash(gconstpointer key)
{
    const struct ip *ip = key;
    uint32_t h = 2166136261u;

    for (unsigned i = 0; i < sizeof(ip->b); i++)
        h = (h ^ ip->b[i]) * 16777619u;
    return h ^ ip->family;
}

static gboolean
ip_same(gconstpointer a, gconstpointer b)
{
    return ip_equal(a, b);
}

struct admission *
admission_new(unsigned most, unsigned most_address)
{
    struct admission *a = g_new0(struct admission, 1);

    a->most = most;
    a->most_address = most_address;
    g_mutex_init(&a->lock);
    a->count = g_hash_table_new_full(ip_hash, ip_same, g_free, NULL);
    return a;
}

void
admission_free(struct admission *a)
{
    if (!a)
        return;
    g_hash_table_unref(a->count);
    g_mutex_clear(&a->lock);
    g_free(a);
}

bool
admission_enter(struct admission *a, const struct ip *ip)
{
    struct ip key = ip_limit_key(ip);

    g_mutex_lock(&a->lock);
    unsigned n = GPOINTER_TO_UINT(g_hash_table_lookup(a->count, &key));
    bool ok = a->total < a->most && n < a->most_address;
    if (ok) {
        g_hash_table_insert(a->count, g_memdup2(&key, sizeof(key)), GUINT_TO_POINTER(n + 1));
        a->total++;
    }
    g_mutex_unlock(&a->lock);
    return ok;
}

void
admission_leave(struct admission *a, const struct ip *ip)
{
    struct ip key = ip_limit_key(ip);

    g_mutex_lock(&a->lock);
    unsigned n = GPOINTER_TO_UINT(g_hash_table_lookup(a->count, &key));
    if (n > 1)
        g_hash_table_insert(a->count, g_memdup2(&key, sizeof(key)), GUINT_TO_POINTER(n - 1));
    else
        g_hash_table_remove(a->count, &key);
    a->total--;
    g_mutex_unlock(&a->lock);
}

bool
admission_is_full(struct admission *a)
{
    return admission_total(a) >= a->most;
}

unsigned
admission_total(struct admission *a)
{
    g_mutex_lock(&a->lock);
    unsigned total = a->total;
    g_mutex_unlock(&a->lock);
    return total;
}
