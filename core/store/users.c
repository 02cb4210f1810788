/* SPDX-License-Identifier: Apache-2.0 */
/* users.c - the users of a hub. */

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/secret.h"
#include "core/crypto/cert.h"
#include "core/store/store_priv.h"

#include <string.h>

enum { AUTH_TYPE_CERT = 2, AUTH_TYPE_MAX = 5, SERIAL_MAX = 64 };

/* In the order of enum column. */
#define USER_COLUMNS                                                                         \
    "u.hub, u.name, u.group_name, u.realname, u.note, u.created_ms, u.updated_ms, "          \
    "u.expires_ms, u.auth_type, u.verifier, u.sevpn_hash, u.nt_hash, u.cert, u.cert_cn, "    \
    "u.cert_serial, u.external_name, u.policy, u.fixed_address, c.logins, c.last_login_ms, " \
    "c.recv_broadcast_bytes, c.recv_broadcast_count, c.recv_unicast_bytes, "                 \
    "c.recv_unicast_count, c.send_broadcast_bytes, c.send_broadcast_count, "                 \
    "c.send_unicast_bytes, c.send_unicast_count FROM users u "                               \
    "LEFT JOIN user_counters c ON c.user = u.id "

enum column {
    COL_HUB,
    COL_NAME,
    COL_GROUP,
    COL_REALNAME,
    COL_NOTE,
    COL_CREATED,
    COL_UPDATED,
    COL_EXPIRES,
    COL_AUTH_TYPE,
    COL_VERIFIER,
    COL_SEVPN_HASH,
    COL_NT_HASH,
    COL_CERT,
    COL_CERT_CN,
    COL_CERT_SERIAL,
    COL_EXTERNAL_NAME,
    COL_POLICY,
    COL_FIXED_ADDRESS,
    COL_LOGINS,
    COL_LAST_LOGIN,
    COL_TRAFFIC,
};

void
store_user_free(struct store_user *u)
{
    if (!u)
        return;
    g_free(u->name);
    g_free(u->group);
    g_free(u->realname);
    g_free(u->note);
    secret_free_str(u->verifier);
    g_clear_pointer(&u->cert, g_bytes_unref);
    g_free(u->cert_cn);
    g_clear_pointer(&u->cert_serial, g_bytes_unref);
    g_free(u->external_name);
    secret_wipe(u, sizeof(*u));
    g_free(u);
}

/* ---- reading ---- */

/* The name comes last, since it may have any character. */
static char *
context_of(int64_t hub, const char *column, const char *name)
{
    g_autofree char *folded = store_fold(name);
    return g_strdup_printf("users/%" G_GINT64_FORMAT "/%s/%s", hub, column, folded);
}

static struct store_user *
read_user(struct store *s, const struct query *q)
{
    struct store_user *u = g_new0(struct store_user, 1);
    int64_t hub = query_get_int(q, COL_HUB);
    u->name = query_get_text(q, COL_NAME);
    u->group = query_get_text(q, COL_GROUP);
    u->realname = query_get_text(q, COL_REALNAME);
    u->note = query_get_text(q, COL_NOTE);
    u->created_ms = query_get_int(q, COL_CREATED);
    u->updated_ms = query_get_int(q, COL_UPDATED);
    u->expires_ms = query_get_int(q, COL_EXPIRES);
    u->auth_type = (unsigned)query_get_int(q, COL_AUTH_TYPE);
    u->verifier = query_get_text(q, COL_VERIFIER);
    u->cert = query_get_bytes(q, COL_CERT);
    u->cert_cn = query_get_text(q, COL_CERT_CN);
    u->cert_serial = query_get_bytes(q, COL_CERT_SERIAL);
    u->external_name = query_get_text(q, COL_EXTERNAL_NAME);
    u->logins = (unsigned)query_get_int(q, COL_LOGINS);
    u->last_login_ms = query_get_int(q, COL_LAST_LOGIN);
    for (int i = 0; i < (int)ARRAY_LEN(u->traffic); i++)
        u->traffic[i] = (uint64_t)query_get_int(q, COL_TRAFFIC + i);

    g_autofree char *sevpn_context = context_of(hub, "sevpn_hash", u->name);
    g_autofree char *nt_context = context_of(hub, "nt_hash", u->name);
    u->has_sevpn_hash =
        store_open_hash(s, sevpn_context, q, COL_SEVPN_HASH, u->sevpn_hash, sizeof(u->sevpn_hash));
    u->has_nt_hash = store_open_hash(s, nt_context, q, COL_NT_HASH, u->nt_hash, sizeof(u->nt_hash));

    g_autofree char *policy = query_get_text(q, COL_POLICY);
    u->has_policy = policy != NULL;
    u->policy = policy ? store_parse_policy(policy) : policy_default();
    g_autofree char *address = query_get_text(q, COL_FIXED_ADDRESS);
    if (address && fixed_address_parse(address, &u->address))
        store_log_changed("a user's fixed address");
    return u;
}

GPtrArray *
store_users(struct store *s, const char *hub)
{
    GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)store_user_free);
    struct query q = query_of(s->db, "SELECT " USER_COLUMNS "WHERE u.hub = ? ORDER BY u.name");
    query_int(&q, store_hub_id(s, hub));
    while (query_row(&q)) {
        struct store_user *u = read_user(s, &q);
        store_lazy_add(s, hub, u);
        g_ptr_array_add(all, u);
    }
    if (!query_ok(&q))
        store_log_read(s, "users");
    query_done(&q);
    return all;
}

unsigned
store_users_count(struct store *s, const char *hub)
{
    return (unsigned)store_count(s, "SELECT count(*) FROM users WHERE hub = ?",
                                 store_hub_id(s, hub));
}

struct store_user *
store_user_get(struct store *s, const char *hub, const char *name)
{
    struct query q = query_of(s->db, "SELECT " USER_COLUMNS "WHERE u.hub = ? AND u.name = ?");
    query_int(&q, store_hub_id(s, hub));
    query_text(&q, name);
    struct store_user *u = query_row(&q) ? read_user(s, &q) : NULL;
    if (!query_ok(&q))
        store_log_read(s, "user");
    query_done(&q);
    if (u)
        store_lazy_add(s, hub, u);
    return u;
}

/* ---- checking ---- */

/* One text of the user: what is "real name". */
static bool
check_text(const struct store_user *u, const char *what, const char *text, GError **error)
{
    g_autofree char *which = g_strdup_printf("the %s of user '%s'", what, u->name);
    return store_check_text(which, text, error);
}

static bool
check_name(const struct store_user *u, const char *what, const char *name, GError **error)
{
    g_autofree char *which = g_strdup_printf("the %s of user '%s'", what, u->name);
    return store_check_name(which, name, error);
}

static bool
check_cert(const struct store_user *u, GError **error)
{
    if (u->cert) {
        X509 *cert =
            cert_from_der(g_bytes_get_data(u->cert, NULL), g_bytes_get_size(u->cert), error);
        if (!cert) {
            g_prefix_error(error, "the certificate of user '%s': ", u->name);
            return false;
        }
        X509_free(cert);
    }
    if (u->cert_serial && g_bytes_get_size(u->cert_serial) > SERIAL_MAX) {
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER,
                    "the certificate's serial number of user '%s' is too long", u->name);
        return false;
    }
    return true;
}

static bool
check_user(const struct store_user *u, GError **error)
{
    if (!store_check_user_name(u->name, error))
        return false;
    if (u->auth_type > AUTH_TYPE_MAX) {
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER,
                    "user '%s' cannot have the authentication type %u", u->name, u->auth_type);
        return false;
    }
    if (u->auth_type == AUTH_TYPE_CERT && !u->cert) {
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER,
                    "user '%s' is to log in with a certificate, but has none", u->name);
        return false;
    }
    if (u->expires_ms < 0 || u->created_ms < 0) {
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER, "user '%s' has a date before 1970",
                    u->name);
        return false;
    }
    return check_name(u, "group", u->group, error) &&
           check_text(u, "real name", u->realname, error) &&
           check_text(u, "note", u->note, error) &&
           check_name(u, "password verifier", u->verifier, error) &&
           check_name(u, "certificate's common name", u->cert_cn, error) &&
           check_name(u, "external name", u->external_name, error) && check_cert(u, error);
}

/* ---- writing ---- */

/* 0 when there is none. */
static int64_t
find(struct store *s, int64_t hub, const char *name)
{
    struct query q = query_of(s->db, "SELECT id FROM users WHERE hub = ? AND name = ?");
    query_int(&q, hub);
    query_text(&q, name);
    int64_t id = query_row(&q) ? query_get_int(&q, 0) : 0;
    if (!query_ok(&q))
        store_log_read(s, "user");
    query_done(&q);
    return id;
}

static void
set_not_found(const char *hub, const char *name, GError **error)
{
    g_autofree char *shown = store_quoted(name);
    g_set_error(error, PE_ERROR, PE_NOT_FOUND, "hub '%s' has no user %s", hub, shown);
}

static const char *
or_empty(const char *text)
{
    return text ? text : "";
}

/* Everything but the name and the counters. */
static bool
write_user(struct store *s, int64_t hub, int64_t id, const struct store_user *u, GError **error)
{
    g_autofree char *sevpn_context = context_of(hub, "sevpn_hash", u->name);
    g_autofree char *nt_context = context_of(hub, "nt_hash", u->name);
    g_autoptr(GBytes) sevpn_hash =
        store_seal_hash(s, sevpn_context, u->has_sevpn_hash, u->sevpn_hash, sizeof(u->sevpn_hash));
    g_autoptr(GBytes) nt_hash =
        store_seal_hash(s, nt_context, u->has_nt_hash, u->nt_hash, sizeof(u->nt_hash));
    g_autofree char *policy = u->has_policy ? store_print_policy(&u->policy) : NULL;
    char address[FIXED_ADDRESS_TEXT];

    struct query q =
        query_of(s->db, "UPDATE users SET group_name = ?, realname = ?, note = ?, updated_ms = ?, "
                        "expires_ms = ?, auth_type = ?, verifier = ?, sevpn_hash = ?, nt_hash = ?, "
                        "cert = ?, cert_cn = ?, cert_serial = ?, external_name = ?, policy = ?, "
                        "fixed_address = ? WHERE id = ?");
    query_text(&q, or_empty(u->group));
    query_text(&q, or_empty(u->realname));
    query_text(&q, or_empty(u->note));
    query_int(&q, clock_wall_ms());
    query_int(&q, u->expires_ms);
    query_int(&q, u->auth_type);
    query_text(&q, u->verifier);
    query_bytes(&q, sevpn_hash);
    query_bytes(&q, nt_hash);
    query_bytes(&q, u->cert);
    query_text(&q, u->cert_cn);
    query_bytes(&q, u->cert_serial);
    query_text(&q, u->external_name);
    query_text(&q, policy);
    query_text(&q, fixed_address_print(&u->address, address));
    query_int(&q, id);
    return store_run(s, &q, "the user could not be written", error);
}

static bool
create_user(struct store *s, const char *hub, const struct store_user *u, GError **error)
{
    int64_t hub_id = store_hub_need(s, hub, error);
    if (hub_id == 0)
        return false;
    if (find(s, hub_id, u->name) != 0) {
        g_set_error(error, PE_ERROR, PE_USER_EXISTS, "hub '%s' has a user '%s' already", hub,
                    u->name);
        return false;
    }
    int64_t fewer = store_admin_option(s, hub, "max_users");
    int64_t most = fewer > 0 ? MIN(fewer, STORE_USERS_MAX) : STORE_USERS_MAX;
    if (store_count(s, "SELECT count(*) FROM users WHERE hub = ?", hub_id) >= most) {
        g_set_error(error, PE_ERROR, PE_TOO_MANY_USERS,
                    "hub '%s' has %d users already, and may not have more", hub, (int)most);
        return false;
    }
    struct query q =
        query_of(s->db, "INSERT INTO users (hub, name, group_name, realname, note, created_ms, "
                        "updated_ms, expires_ms, auth_type) VALUES (?, ?, '', '', '', ?, 0, 0, 0)");
    query_int(&q, hub_id);
    query_text(&q, u->name);
    query_int(&q, u->created_ms != 0 ? u->created_ms : clock_wall_ms());
    return store_run(s, &q, "the user could not be written", error) &&
           write_user(s, hub_id, sqlite3_last_insert_rowid(s->db), u, error);
}

bool
store_user_create(struct store *s, const char *hub, const struct store_user *u, GError **error)
{
    if (!check_user(u, error) || !store_begin(s, error))
        return false;
    return store_end(s, create_user(s, hub, u, error), error);
}

static bool
update_user(struct store *s, const char *hub, const struct store_user *u, GError **error)
{
    int64_t hub_id = store_hub_need(s, hub, error);
    if (hub_id == 0)
        return false;
    int64_t id = find(s, hub_id, u->name);
    if (id == 0) {
        set_not_found(hub, u->name, error);
        return false;
    }
    return write_user(s, hub_id, id, u, error);
}

bool
store_user_update(struct store *s, const char *hub, const struct store_user *u, GError **error)
{
    if (!check_user(u, error) || !store_begin(s, error))
        return false;
    return store_end(s, update_user(s, hub, u, error), error);
}

static bool
delete_user(struct store *s, const char *hub, const char *name, GError **error)
{
    int64_t hub_id = store_hub_need(s, hub, error);
    if (hub_id == 0)
        return false;
    int64_t id = find(s, hub_id, name);
    if (id == 0) {
        set_not_found(hub, name, error);
        return false;
    }
    struct query q = query_of(s->db, "DELETE FROM users WHERE id = ?");
    query_int(&q, id);
    return store_run(s, &q, "the user could not be deleted", error);
}

bool
store_user_delete(struct store *s, const char *hub, const char *name, GError **error)
{
    if (!store_begin(s, error))
        return false;
    return store_end(s, delete_user(s, hub, name, error), error);
}
