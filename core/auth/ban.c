/* SPDX-License-Identifier: Apache-2.0 */
/* ban.c - see ban.h. */

#include "core/auth/ban.h"

#include "core/auth/auth.h"

#include <string.h>

#define SECOND_US INT64_C(1000000)

struct entry {
    struct ip ip;
    GList link; /* in by_age */
    int64_t wrong_us[AUTH_BAN_TRIES];
    unsigned n_wrong; /* in wrong_us, the oldest first */
    unsigned n_bans;
    int64_t banned_until_us;
    int64_t forgiven_us; /* when a success last did; 0: never */
    int64_t heard_us;
};

struct ban_table {
    GHashTable *entries; /* by ip; owns the entries */
    GQueue by_age;       /* the longest unheard first */
    GArray *allowed;     /* of struct ip_prefix */
};

static guint
hash_ip(gconstpointer key)
{
    const struct ip *ip = key;
    uint32_t word[4], h = ip->family;
    memcpy(word, ip->b, sizeof(word));
    for (unsigned i = 0; i < 4; i++)
        h = (h ^ word[i]) * 0x9e3779b1u;
    return h ^ h >> 15;
}

static gboolean
same_ip(gconstpointer a, gconstpointer b)
{
    return ip_equal(a, b);
}

struct ban_table *
ban_new(void)
{
    struct ban_table *t = g_new0(struct ban_table, 1);
    t->entries = g_hash_table_new_full(hash_ip, same_ip, NULL, g_free);
    g_queue_init(&t->by_age);
    t->allowed = g_array_new(FALSE, FALSE, sizeof(struct ip_prefix));
    return t;
}

void
ban_free(struct ban_table *t)
{
    if (!t)
        return;
    g_hash_table_destroy(t->entries); /* the links are within the entries */
    g_array_unref(t->allowed);
    g_free(t);
}

static void
forget(struct ban_table *t, struct entry *e)
{
    g_queue_unlink(&t->by_age, &e->link);
    g_hash_table_remove(t->entries, &e->ip);
}

static void
forget_stale(struct ban_table *t, int64_t now_us)
{
    while (t->by_age.head) {
        struct entry *e = t->by_age.head->data;
        int64_t quiet_since = MAX(e->heard_us, e->banned_until_us);
        bool full = g_hash_table_size(t->entries) >= AUTH_BAN_ADDRESSES;
        if (!full && now_us - quiet_since <= AUTH_BAN_MAX_S * SECOND_US)
            return;
        forget(t, e);
    }
}

static struct entry *
find(const struct ban_table *t, const struct ip *ip)
{
    struct ip key = ip_limit_key(ip);
    return g_hash_table_lookup(t->entries, &key);
}

static struct entry *
find_or_add(struct ban_table *t, const struct ip *ip, int64_t now_us)
{
    struct entry *e = find(t, ip);
    if (e) {
        g_queue_unlink(&t->by_age, &e->link);
    } else {
        forget_stale(t, now_us);
        e = g_new0(struct entry, 1);
        e->ip = ip_limit_key(ip);
        e->link.data = e;
        g_hash_table_insert(t->entries, &e->ip, e);
    }
    g_queue_push_tail_link(&t->by_age, &e->link);
    return e;
}

bool
ban_is_allowed(const struct ban_table *t, const struct ip *ip)
{
    for (guint i = 0; i < t->allowed->len; i++)
        if (ip_prefix_has(&g_array_index(t->allowed, struct ip_prefix, i), ip))
            return true;
    return false;
}

bool
ban_is(struct ban_table *t, const struct ip *ip, int64_t now_us)
{
    const struct entry *e = find(t, ip);
    return e && now_us < e->banned_until_us && !ban_is_allowed(t, ip);
}

static void
drop_oldest(struct entry *e, unsigned n)
{
    e->n_wrong -= n;
    memmove(e->wrong_us, e->wrong_us + n, e->n_wrong * sizeof(e->wrong_us[0]));
}

/* How long the next one is. */
static int64_t
seconds_of(const struct entry *e)
{
    int64_t seconds = AUTH_BAN_FIRST_S;
    for (unsigned i = 0; i < e->n_bans && seconds < AUTH_BAN_MAX_S; i++)
        seconds *= 2;
    return MIN(seconds, AUTH_BAN_MAX_S);
}

bool
ban_failure(struct ban_table *t, const struct ip *ip, int64_t now_us)
{
    if (ip->family == 0 || ban_is_allowed(t, ip))
        return false; /* family 0: nobody in particular, a door without addresses */
    struct entry *e = find_or_add(t, ip, now_us);
    int64_t quiet_since = MAX(e->heard_us, e->banned_until_us);
    if (now_us - quiet_since > AUTH_BAN_MAX_S * SECOND_US)
        e->n_bans = 0;
    e->heard_us = now_us;
    if (now_us < e->banned_until_us)
        return false; /* it was under way when the ban began */

    unsigned old = 0;
    while (old < e->n_wrong && now_us - e->wrong_us[old] >= AUTH_BAN_WINDOW_S * SECOND_US)
        old++;
    drop_oldest(e, old);
    e->wrong_us[e->n_wrong++] = now_us;
    if (e->n_wrong < AUTH_BAN_TRIES)
        return false;

    e->banned_until_us = now_us + seconds_of(e) * SECOND_US;
    e->n_bans++;
    e->n_wrong = 0;
    return true;
}

void
ban_success(struct ban_table *t, const struct ip *ip, int64_t now_us)
{
    struct entry *e = find(t, ip);
    if (!e)
        return;
    bool again = e->forgiven_us != 0 && now_us - e->forgiven_us < AUTH_BAN_WINDOW_S * SECOND_US;
    if (again || e->n_wrong == 0)
        return;
    e->n_wrong = 0;
    e->forgiven_us = now_us;
}

unsigned
ban_count(const struct ban_table *t)
{
    return g_hash_table_size(t->entries);
}

/* ---- for administrators, and over a restart ---- */

void
ban_allow(struct ban_table *t, const struct ip_prefix *prefixes, unsigned n)
{
    g_array_set_size(t->allowed, 0);
    g_array_append_vals(t->allowed, prefixes, n);
    for (GList *l = t->by_age.head, *next; l; l = next) {
        struct entry *e = l->data;
        next = l->next;
        if (ban_is_allowed(t, &e->ip))
            forget(t, e);
    }
}

static struct ban
ban_of(const struct entry *e)
{
    return (struct ban){.ip = e->ip, .times = e->n_bans, .until_us = e->banned_until_us};
}

bool
ban_get(struct ban_table *t, const struct ip *ip, int64_t now_us, struct ban *out)
{
    if (!ban_is(t, ip, now_us))
        return false;
    *out = ban_of(find(t, ip));
    return true;
}

static gint
compare_bans(gconstpointer a, gconstpointer b)
{
    const struct ban *x = a, *y = b;
    int family = (int)x->ip.family - (int)y->ip.family;
    return family != 0 ? family : memcmp(x->ip.b, y->ip.b, sizeof(x->ip.b));
}

GArray *
ban_list(const struct ban_table *t, int64_t now_us)
{
    GArray *all = g_array_new(FALSE, FALSE, sizeof(struct ban));
    for (const GList *l = t->by_age.head; l; l = l->next) {
        const struct entry *e = l->data;
        if (now_us >= e->banned_until_us)
            continue;
        struct ban b = ban_of(e);
        g_array_append_val(all, b);
    }
    g_array_sort(all, compare_bans);
    return all;
}

bool
ban_lift(struct ban_table *t, const struct ip *ip, int64_t now_us)
{
    if (!ban_is(t, ip, now_us))
        return false;
    forget(t, find(t, ip));
    return true;
}

void
ban_restore(struct ban_table *t, const struct ban *b, int64_t now_us)
{
    bool stale = now_us - b->until_us > AUTH_BAN_MAX_S * SECOND_US;
    if (b->ip.family == 0 || stale || b->times == 0 || ban_is_allowed(t, &b->ip))
        return;
    struct entry *e = find_or_add(t, &b->ip, now_us);
    e->n_bans = b->times;
    e->banned_until_us = MIN(b->until_us, now_us + AUTH_BAN_MAX_S * SECOND_US);
    e->heard_us = MIN(b->until_us, now_us);
}
