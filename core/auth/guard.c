/* SPDX-License-Identifier: Apache-2.0 */
/* guard.c - see guard.h. */

#include "core/auth/guard.h"

#include "core/auth/throttle.h"
#include "core/base/clock.h"
#include "core/base/log.h"

#include <string.h>

enum { NAME_TEXT = 80, LINES = 20, NEW_MAX = 4096 };

struct guard {
    GMutex lock; /* guards all below, for a few lines */
    struct ban_table *bans;
    struct throttle *throttle;
    GArray *new_bans; /* of struct guard_ban */
    struct log_limit ban_log, siege_log;
};

struct guard *
guard_new(void)
{
    struct guard *g = g_new0(struct guard, 1);
    g_mutex_init(&g->lock);
    g->bans = ban_new();
    g->throttle = throttle_new();
    g->new_bans = g_array_new(FALSE, FALSE, sizeof(struct guard_ban));
    return g;
}

void
guard_free(struct guard *g)
{
    if (!g)
        return;
    g_mutex_clear(&g->lock);
    ban_free(g->bans);
    throttle_free(g->throttle);
    g_array_unref(g->new_bans);
    g_free(g);
}

/* NULL: the try is at no account. */
static char *
account_of(const struct guard_try *t)
{
    if (!t->hub || !t->user)
        return NULL;
    g_autofree char *hub = g_ascii_strdown(t->hub, -1);
    g_autofree char *user = g_ascii_strdown(t->user, -1);
    return g_strconcat(hub, "/", user, NULL); /* a hub's name has no slash */
}

static struct guard_ban
in_calendar(const struct ban *b, int64_t now_us)
{
    struct guard_ban out = {.times = b->times};
    out.who.ip = b->ip;
    out.who.len = b->ip.family == 4 ? 32 : 64;
    out.until_ms = clock_wall_ms() + (b->until_us - now_us) / 1000;
    return out;
}

bool
guard_is_banned(struct guard *g, const struct ip *ip)
{
    g_mutex_lock(&g->lock);
    bool banned = ban_is(g->bans, ip, clock_now_us());
    g_mutex_unlock(&g->lock);
    return banned;
}

bool
guard_is_paused(struct guard *g, const struct guard_try *t)
{
    g_autofree char *account = account_of(t);
    if (!account)
        return false;
    g_mutex_lock(&g->lock);
    bool paused = !ban_is_allowed(g->bans, t->ip) &&
                  !throttle_may_try(g->throttle, account, t->ip, clock_now_us());
    g_mutex_unlock(&g->lock);
    return paused;
}

/* ---- wrong, and right ---- */

static void
log_ban(struct guard *g, const struct guard_try *t, const struct ban *b, int64_t now_us)
{
    char user[NAME_TEXT], who[IP_TEXT];
    unsigned left_out = 0;
    const char *name = t->user ? t->user : "";
    if (!log_limit_pass(&g->ban_log, LINES, now_us, &left_out))
        return;
    log_info("address banned",
             "address=%s seconds=%lld times=%u protocol=%s last_user=\"%s\" left_out=%u",
             ip_print(&b->ip, who), (long long)((b->until_us - now_us) / 1000000), b->times,
             t->protocol ? t->protocol : "", log_text(user, sizeof(user), name, strlen(name)),
             left_out);
}

static void
log_siege(struct guard *g, const struct guard_try *t, int64_t now_us)
{
    char user[NAME_TEXT], hub[NAME_TEXT];
    unsigned left_out = 0;
    if (!log_limit_pass(&g->siege_log, LINES, now_us, &left_out))
        return;
    log_warning("account is guessed at from many networks", "hub=\"%s\" user=\"%s\" left_out=%u",
                log_text(hub, sizeof(hub), t->hub, strlen(t->hub)),
                log_text(user, sizeof(user), t->user, strlen(t->user)), left_out);
}

bool
guard_failure(struct guard *g, const struct guard_try *t)
{
    g_autofree char *account = account_of(t);
    int64_t now_us = clock_now_us();
    g_mutex_lock(&g->lock);
    bool began = ban_failure(g->bans, t->ip, now_us);
    struct ban b = {0};
    if (began && ban_get(g->bans, t->ip, now_us, &b)) {
        struct guard_ban shown = in_calendar(&b, now_us);
        if (g->new_bans->len < NEW_MAX)
            g_array_append_val(g->new_bans, shown);
        log_ban(g, t, &b, now_us);
    }
    if (account && !ban_is_allowed(g->bans, t->ip) &&
        throttle_failure(g->throttle, account, t->ip, now_us))
        log_siege(g, t, now_us);
    g_mutex_unlock(&g->lock);
    return began;
}

void
guard_success(struct guard *g, const struct guard_try *t)
{
    g_autofree char *account = account_of(t);
    int64_t now_us = clock_now_us();
    g_mutex_lock(&g->lock);
    ban_success(g->bans, t->ip, now_us);
    if (account)
        throttle_success(g->throttle, account, t->ip, now_us);
    g_mutex_unlock(&g->lock);
}

/* ---- for administrators, and over a restart ---- */

GArray *
guard_take_new(struct guard *g)
{
    GArray *out = NULL;
    g_mutex_lock(&g->lock);
    if (g->new_bans->len > 0) {
        out = g->new_bans;
        g->new_bans = g_array_new(FALSE, FALSE, sizeof(struct guard_ban));
    }
    g_mutex_unlock(&g->lock);
    return out;
}

void
guard_restore(struct guard *g, const GArray *bans)
{
    int64_t now_us = clock_now_us(), now_ms = clock_wall_ms();
    g_mutex_lock(&g->lock);
    for (guint i = 0; i < bans->len; i++) {
        const struct guard_ban *kept = &g_array_index(bans, struct guard_ban, i);
        struct ban b = {.ip = kept->who.ip,
                        .times = kept->times,
                        .until_us = now_us + (kept->until_ms - now_ms) * 1000};
        ban_restore(g->bans, &b, now_us);
    }
    g_mutex_unlock(&g->lock);
}

GArray *
guard_bans(struct guard *g)
{
    GArray *out = g_array_new(FALSE, FALSE, sizeof(struct guard_ban));
    int64_t now_us = clock_now_us();
    g_mutex_lock(&g->lock);
    g_autoptr(GArray) all = ban_list(g->bans, now_us);
    g_mutex_unlock(&g->lock);
    for (guint i = 0; i < all->len; i++) {
        struct guard_ban shown = in_calendar(&g_array_index(all, struct ban, i), now_us);
        g_array_append_val(out, shown);
    }
    return out;
}

bool
guard_lift(struct guard *g, const struct ip *ip)
{
    g_mutex_lock(&g->lock);
    bool lifted = ban_lift(g->bans, ip, clock_now_us());
    g_mutex_unlock(&g->lock);
    return lifted;
}

void
guard_allow(struct guard *g, const GArray *prefixes)
{
    g_mutex_lock(&g->lock);
    ban_allow(g->bans, (const struct ip_prefix *)(const void *)prefixes->data, prefixes->len);
    g_mutex_unlock(&g->lock);
}
