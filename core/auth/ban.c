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
    return t;
}

void
ban_free(struct ban_table *t)
{
    if (!t)
        return;
    g_hash_table_destroy(t->entries); /* the links are within the entries */
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
ban_is(struct ban_table *t, const struct ip *ip, int64_t now_us)
{
    const struct entry *e = find(t, ip);
    return e && now_us < e->banned_until_us;
}

static void
drop_oldest(struct entry *e, unsigned n)
{
    e->n_wrong -= n;
    memmove(e->wrong_us, e->wrong_us + n, e->n_wrong * sizeof(e->wrong_us[0]));
}

void
ban_failure(struct ban_table *t, const struct ip *ip, int64_t now_us)
{
    if (ip->family == 0)
        return; /* nobody in particular: a door without addresses */
    struct entry *e = find_or_add(t, ip, now_us);
    int64_t quiet_since = MAX(e->heard_us, e->banned_until_us);
    if (now_us - quiet_since > AUTH_BAN_MAX_S * SECOND_US)
        e->n_bans = 0;
    e->heard_us = now_us;
    if (now_us < e->banned_until_us)
        return; /* it was under way when the ban began */

    unsigned old = 0;
    while (old < e->n_wrong && now_us - e->wrong_us[old] >= AUTH_BAN_WINDOW_S * SECOND_US)
        old++;
    drop_oldest(e, old);
    e->wrong_us[e->n_wrong++] = now_us;
    if (e->n_wrong < AUTH_BAN_TRIES)
        return;

    int64_t seconds = AUTH_BAN_FIRST_S;
    for (unsigned i = 0; i < e->n_bans && seconds < AUTH_BAN_MAX_S; i++)
        seconds *= 2;
    e->banned_until_us = now_us + MIN(seconds, AUTH_BAN_MAX_S) * SECOND_US;
    e->n_bans++;
    e->n_wrong = 0;
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
