/* SPDX-License-Identifier: Apache-2.0 */
/* users.c - see users.h. */

#include "apps/server/users.h"

#include "core/auth/crl.h"
#include "core/auth/guard.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/secret.h"
#include "core/store/store.h"

#include <string.h>

#define ADMINISTRATOR "administrator" /* of a hub, as a user of it: with the hub's own password */

static void
fill_administrator(const struct store_hub *hub, struct auth_user *out)
{
    (void)g_strlcpy(out->name, ADMINISTRATOR, sizeof(out->name));
    out->auth_type = 1;
    out->verifier = g_strdup(hub->admin_verifier);
    out->has_sevpn_hash = true;
    memcpy(out->sevpn_hash, hub->admin_user_hash, sizeof(out->sevpn_hash));
    out->policy = policy_default();
    out->policy.MonitorPort = 1;
}

static void
fill_user(const struct store_user *u, const struct policy *policy, struct auth_user *out)
{
    (void)g_strlcpy(out->name, u->name, sizeof(out->name));
    (void)g_strlcpy(out->group, u->group ? u->group : "", sizeof(out->group));
    out->auth_type = (int)u->auth_type;
    out->verifier = g_strdup(u->verifier);
    out->has_sevpn_hash = u->has_sevpn_hash;
    memcpy(out->sevpn_hash, u->sevpn_hash, sizeof(out->sevpn_hash));
    out->has_nt_hash = u->has_nt_hash;
    memcpy(out->nt_hash, u->nt_hash, sizeof(out->nt_hash));
    out->cert = u->cert ? g_bytes_ref(u->cert) : NULL;
    out->cert_cn = g_strdup(u->cert_cn);
    out->cert_serial = u->cert_serial ? g_bytes_ref(u->cert_serial) : NULL;
    (void)g_strlcpy(out->external_name, u->external_name ? u->external_name : "",
                    sizeof(out->external_name));
    out->second_factor = out->totp != NULL;
    out->expires_ms = u->expires_ms;
    out->policy = *policy;
    out->own_policy = u->has_policy;
    out->address = u->address;
}

static bool
find_user(void *store, const char *hub, const char *user, bool *found, struct auth_user *out)
{
    struct store_hub *h = store_hub_get(store, hub);

    *found = false;
    if (!h)
        return false;
    if (g_ascii_strcasecmp(user, ADMINISTRATOR) == 0) {
        *found = h->has_admin_hash;
        if (*found)
            fill_administrator(h, out);
    } else {
        struct store_user *u = store_user_get(store, hub, user);
        *found = u != NULL;
        if (u) {
            struct policy policy = store_user_policy(store, hub, u);
            out->totp = store_user_totp(store, hub, u->name);
            fill_user(u, &policy, out);
        }
        store_user_free(u);
    }
    store_hub_free(h);
    return true;
}

static void
bytes_unref(gpointer bytes)
{
    g_bytes_unref(bytes);
}

static GPtrArray *
trusted_cas(void *store, const char *hub)
{
    g_autoptr(GPtrArray) cas = store_cas(store, hub);
    GPtrArray *out = g_ptr_array_new_with_free_func(bytes_unref);

    for (guint i = 0; i < cas->len; i++) {
        const struct store_ca *ca = g_ptr_array_index(cas, i);
        g_ptr_array_add(out, g_bytes_ref(ca->der));
    }
    return out;
}

static void
logged_in(void *store, const char *hub, const char *user, bool ok)
{
    if (ok)
        store_user_note_login(store, hub, user, clock_wall_ms());
}

static void
free_entry(gpointer entry)
{
    crl_entry_free(entry);
}

static GPtrArray *
revoked(void *store, const char *hub)
{
    g_autoptr(GPtrArray) kept = store_crls(store, hub);
    GPtrArray *out = g_ptr_array_new_with_free_func(free_entry);

    for (guint i = 0; i < kept->len; i++) {
        const struct store_crl *c = g_ptr_array_index(kept, i);
        struct crl_entry *e = crl_entry_parse(c->entry);
        if (e)
            g_ptr_array_add(out, e);
    }
    return out;
}

/* There is no verifier of a password that nobody has told us: its hashes have to do. */
static bool
change_password(void *store, const struct auth_request *r, const char *user)
{
    struct store_user *u = store_user_get(store, r->hub, user);
    g_autoptr(GError) error = NULL;

    if (!u)
        return false;
    secret_free_str(g_steal_pointer(&u->verifier));
    u->has_sevpn_hash = true;
    memcpy(u->sevpn_hash, r->change.sevpn_hash, sizeof(u->sevpn_hash));
    u->has_nt_hash = r->change.has_nt_hash;
    memcpy(u->nt_hash, r->change.nt_hash, sizeof(u->nt_hash));
    bool ok = store_user_update(store, r->hub, u, &error);
    store_user_free(u);
    if (ok)
        log_info("password changed by its user", "hub=%s user=%s", r->hub, user);
    else
        log_warning("a password could not be changed", "error=%s", error->message);
    return ok;
}

static bool
use_totp(void *store, const char *hub, const char *user, int64_t step)
{
    return store_user_use_totp(store, hub, user, step);
}

static void
keep_bans(void *store, const GArray *bans)
{
    g_autoptr(GArray) kept = g_array_new(FALSE, TRUE, sizeof(struct store_ban));
    g_autoptr(GError) error = NULL;
    int64_t before_ms = clock_wall_ms() - AUTH_BAN_MAX_S * INT64_C(1000);

    for (guint i = 0; i < bans->len; i++) {
        const struct guard_ban *b = &g_array_index(bans, struct guard_ban, i);
        struct store_ban one = {.who = b->who, .times = b->times, .until_ms = b->until_ms};
        g_array_append_val(kept, one);
    }
    const struct store_ban *all = (const struct store_ban *)(const void *)kept->data;
    if (!store_bans_put(store, all, kept->len, before_ms, &error))
        log_warning("bans would not survive a restart", "error=%s", error->message);
}

static bool
find_group(void *store, const char *hub, const char *group, bool *has_policy, struct policy *out)
{
    struct store_group *g = store_group_get(store, hub, group);
    bool found = g != NULL;

    if (found) {
        *has_policy = g->has_policy;
        *out = g->policy;
    }
    store_group_free(g);
    return found;
}

const struct auth_store_ops users_of_store = {.find_group = find_group,
                                              .find_user = find_user,
                                              .trusted_cas = trusted_cas,
                                              .logged_in = logged_in,
                                              .change_password = change_password,
                                              .use_totp = use_totp,
                                              .revoked = revoked,
                                              .keep_bans = keep_bans};
