/* SPDX-License-Identifier: Apache-2.0 */
/* throttle.c - see throttle.h. */

#include "core/auth/throttle.h"

#include <glib.h>

#include <string.h>

#define SECOND_US INT64_C(1000000)

enum { NET_BITS_V4 = 24, NET_BITS_V6 = 48 };

struct pair {
    char *key; /* network, or "=" and an address; a space, the account */
    GList link;
    unsigned n_wrong, n_pauses;
    int64_t wrong_us; /* the last wrong one */
    int64_t paused_until_us;
    int64_t known_until_us; /* it logged in; 0: it never did */
};

struct account {
    char *name;
    GList link;
    double level; /* wrong ones, draining */
    int64_t heard_us;
};

struct throttle {
    GHashTable *pairs, *accounts;    /* by their names; own them */
    GQueue pairs_by_age, acc_by_age; /* the longest unheard first */
};

static void
pair_free(gpointer data)
{
    struct pair *p = data;
    g_free(p->key);
    g_free(p);
}

static void
account_free(gpointer data)
{
    struct account *a = data;
    g_free(a->name);
    g_free(a);
}

struct throttle *
throttle_new(void)
{
    struct throttle *t = g_new0(struct throttle, 1);
    t->pairs = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, pair_free);
    t->accounts = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, account_free);
    g_queue_init(&t->pairs_by_age);
    g_queue_init(&t->acc_by_age);
    return t;
}

void
throttle_free(struct throttle *t)
{
    if (!t)
        return;
    g_hash_table_destroy(t->pairs); /* the links are within what is in it */
    g_hash_table_destroy(t->accounts);
    g_free(t);
}

/* ---- looking up ---- */

/* Of the address that has logged in, or of the network that it is in. */
static char *
key_of(const char *account, const struct ip *ip, bool whole)
{
    struct ip net = ip_limit_key(ip);
    unsigned keep = (ip->family == 4 ? NET_BITS_V4 : NET_BITS_V6) / 8;
    char text[IP_TEXT];
    if (!whole)
        memset(net.b + keep, 0, sizeof(net.b) - keep);
    return g_strconcat(whole ? "=" : "", ip_print(&net, text), " ", account, NULL);
}

static struct pair *
find_pair(const struct throttle *t, const char *account, const struct ip *ip, bool whole)
{
    g_autofree char *key = key_of(account, ip, whole);
    return g_hash_table_lookup(t->pairs, key);
}

static struct pair *
find_or_add_pair(struct throttle *t, const char *account, const struct ip *ip, bool whole)
{
    struct pair *p = find_pair(t, account, ip, whole);
    if (p) {
        g_queue_unlink(&t->pairs_by_age, &p->link);
    } else {
        if (t->pairs_by_age.length >= THROTTLE_PAIRS) {
            struct pair *oldest = g_queue_pop_head_link(&t->pairs_by_age)->data;
            (void)g_hash_table_remove(t->pairs, oldest->key);
        }
        p = g_new0(struct pair, 1);
        p->key = key_of(account, ip, whole);
        p->link.data = p;
        (void)g_hash_table_insert(t->pairs, p->key, p);
    }
    g_queue_push_tail_link(&t->pairs_by_age, &p->link);
    return p;
}

static struct account *
find_or_add_account(struct throttle *t, const char *name)
{
    struct account *a = g_hash_table_lookup(t->accounts, name);
    if (a) {
        g_queue_unlink(&t->acc_by_age, &a->link);
    } else {
        if (t->acc_by_age.length >= THROTTLE_ACCOUNTS) {
            struct account *oldest = g_queue_pop_head_link(&t->acc_by_age)->data;
            (void)g_hash_table_remove(t->accounts, oldest->name);
        }
        a = g_new0(struct account, 1);
        a->name = g_strdup(name);
        a->link.data = a;
        (void)g_hash_table_insert(t->accounts, a->name, a);
    }
    g_queue_push_tail_link(&t->acc_by_age, &a->link);
    return a;
}

/* How many wrong ones, the old ones faded. */
static double
level_of(const struct account *a, int64_t now_us)
{
    double drained =
        (double)(now_us - a->heard_us) / (double)SECOND_US * THROTTLE_ACCOUNT / THROTTLE_ACCOUNT_S;
    return MAX(0, a->level - drained);
}

static bool
is_besieged(const struct throttle *t, const char *name, int64_t now_us)
{
    const struct account *a = g_hash_table_lookup(t->accounts, name);
    return a && level_of(a, now_us) >= THROTTLE_ACCOUNT;
}

/* ---- what happens ---- */

static bool
is_known(const struct throttle *t, const char *account, const struct ip *ip, int64_t now_us)
{
    const struct pair *p = find_pair(t, account, ip, true);
    return p && now_us < p->known_until_us;
}

bool
throttle_may_try(struct throttle *t, const char *account, const struct ip *ip, int64_t now_us)
{
    const struct pair *p = find_pair(t, account, ip, false);
    return !p || now_us >= p->paused_until_us || is_known(t, account, ip, now_us);
}

static void
pause_pair(struct pair *p, int64_t now_us)
{
    int64_t seconds = THROTTLE_FIRST_S;
    for (unsigned i = 0; i < p->n_pauses && seconds < THROTTLE_MAX_S; i++)
        seconds *= 2;
    p->paused_until_us = now_us + MIN(seconds, THROTTLE_MAX_S) * SECOND_US;
    p->n_pauses++;
    p->n_wrong = 0;
}

bool
throttle_failure(struct throttle *t, const char *account, const struct ip *ip, int64_t now_us)
{
    if (ip->family == 0 || is_known(t, account, ip, now_us))
        return false;
    bool was_besieged = is_besieged(t, account, now_us);
    struct account *a = find_or_add_account(t, account);
    /* Twice the limit at most: the siege ends within an hour after the last of them. */
    a->level = MIN(level_of(a, now_us) + 1, 2 * THROTTLE_ACCOUNT);
    a->heard_us = now_us;

    struct pair *p = find_or_add_pair(t, account, ip, false);
    int64_t quiet_since = MAX(p->wrong_us, p->paused_until_us);
    if (p->n_pauses > 0 && now_us - quiet_since > THROTTLE_MAX_S * SECOND_US)
        p->n_pauses = 0;
    if (now_us < p->paused_until_us)
        return false; /* it was under way when the pause began */
    if (now_us - p->wrong_us >= THROTTLE_WINDOW_S * SECOND_US)
        p->n_wrong = 0;
    p->wrong_us = now_us;
    p->n_wrong++;
    if (p->n_wrong >= (was_besieged ? 1 : THROTTLE_TRIES))
        pause_pair(p, now_us);
    return !was_besieged && is_besieged(t, account, now_us);
}

void
throttle_success(struct throttle *t, const char *account, const struct ip *ip, int64_t now_us)
{
    if (ip->family == 0)
        return;
    struct pair *net = find_pair(t, account, ip, false);
    if (net)
        net->n_wrong = net->n_pauses = 0;
    struct pair *p = find_or_add_pair(t, account, ip, true);
    p->known_until_us = now_us + THROTTLE_KNOWN_S * SECOND_US;
}

unsigned
throttle_count(const struct throttle *t)
{
    return t->pairs_by_age.length;
}
