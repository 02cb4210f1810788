/* SPDX-License-Identifier: Apache-2.0 */
/* user_methods.c - users of a hub. The hashes that login methods need are made here, from the
 * password in the call; the store seals them. */
#include "core/base/secret.h"
#include "core/crypto/nthash.h"
#include "core/crypto/sha0.h"
#include "core/hub/session.h"
#include "core/rpc/cert_input.h"
#include "core/rpc/policy_fields.h"
#include "core/rpc/rpc_priv.h"

#include <string.h>

enum {
    AUTH_TYPE_ANONYMOUS = 0,
    AUTH_TYPE_PASSWORD = 1,
    AUTH_TYPE_CERT = 2,
    AUTH_TYPE_SIGNED = 3,
    AUTH_TYPE_RADIUS = 4,
    AUTH_TYPE_NT = 5,
    SERIAL_MAX = 64,
    EXTERNAL_NAME_MAX = 253,
    VLAN_MAX = 4094,
};

/* ---- what comes in ---- */

/* The name is the login, stands in logs and in names of sessions. */
static bool
check_name(const char *name, GError **error)
{
    if (!name[0])
        return rpc_fail(error, PE_INVALID_PARAMETER, "the name of the user is missing");
    if (strlen(name) > STORE_NAME_MAX)
        return rpc_fail(error, PE_INVALID_PARAMETER, "the name of a user has up to %d bytes",
                        STORE_NAME_MAX);
    if (g_ascii_strcasecmp(name, "administrator") == 0)
        return rpc_fail(error, PE_INVALID_PARAMETER, "'%s' is the login of the hub's administrator",
                        name);
    if (name[0] == ' ' || name[strlen(name) - 1] == ' ')
        return rpc_fail(error, PE_INVALID_PARAMETER,
                        "the name of a user does not begin or end with a space");
    for (const char *p = name; *p; p = g_utf8_next_char(p))
        if (!g_unichar_isprint(g_utf8_get_char(p)))
            return rpc_fail(error, PE_INVALID_PARAMETER,
                            "the name of a user has a character that cannot be printed");
    return true;
}

static void
take_password(const struct rpc_call *c, struct store_user *u)
{
    const char *password = record_text(c->in, "Auth_Password_str");

    secret_free_str(u->verifier);
    u->verifier = g_strdup(c->verifier);
    u->has_sevpn_hash = true;
    u->has_nt_hash = true;
    sevpn_user_hash(u->name, password, u->sevpn_hash);
    nt_hash(password, u->nt_hash);
}

/* Takes away what belongs to another kind of login. */
static void
forget_other_kinds(struct store_user *u)
{
    if (u->auth_type != AUTH_TYPE_PASSWORD) {
        secret_free_str(g_steal_pointer(&u->verifier));
        secret_wipe(u->sevpn_hash, sizeof(u->sevpn_hash));
        secret_wipe(u->nt_hash, sizeof(u->nt_hash));
        u->has_sevpn_hash = u->has_nt_hash = false;
    }
    if (u->auth_type != AUTH_TYPE_CERT)
        g_clear_pointer(&u->cert, g_bytes_unref);
    if (u->auth_type != AUTH_TYPE_SIGNED) {
        g_clear_pointer(&u->cert_cn, g_free);
        g_clear_pointer(&u->cert_serial, g_bytes_unref);
    }
    g_clear_pointer(&u->external_name, g_free);
}

static bool
take_cert(const struct rpc_call *c, struct store_user *u, GError **error)
{
    if (record_count(c->in, "UserX_bin") == 0 && u->cert)
        return true;
    GBytes *der = cert_input_der(c->in, "UserX_bin", error);
    if (!der)
        return false;
    g_clear_pointer(&u->cert, g_bytes_unref);
    u->cert = der;
    return true;
}

static bool
take_signed(const struct rpc_call *c, struct store_user *u, GError **error)
{
    const char *cn = record_text(c->in, "CommonName_utf");
    size_t len = 0;
    const void *serial = record_bin(c->in, "Serial_bin", &len);

    if (len > SERIAL_MAX)
        return rpc_fail(error, PE_INVALID_PARAMETER, "a serial number has up to %d bytes",
                        SERIAL_MAX);
    g_clear_pointer(&u->cert_cn, g_free);
    g_clear_pointer(&u->cert_serial, g_bytes_unref);
    u->cert_cn = cn[0] ? g_strdup(cn) : NULL;
    u->cert_serial = len > 0 ? g_bytes_new(serial, len) : NULL;
    return true;
}

/* The name that it has at the RADIUS server or in the domain. */
static bool
take_external(const struct rpc_call *c, struct store_user *u, GError **error)
{
    bool radius = u->auth_type == AUTH_TYPE_RADIUS;
    const char *name = record_text(c->in, radius ? "RadiusUsername_utf" : "NtUsername_utf");

    if (strlen(name) > EXTERNAL_NAME_MAX)
        return rpc_fail(error, PE_INVALID_PARAMETER, "the name at the server has up to %d bytes",
                        EXTERNAL_NAME_MAX);
    u->external_name = name[0] ? g_strdup(name) : NULL;
    return true;
}

static bool
take_auth(const struct rpc_call *c, struct store_user *u, GError **error)
{
    uint32_t type = record_u32(c->in, "AuthType_u32");

    if (type > AUTH_TYPE_NT)
        return rpc_fail(error, PE_INVALID_PARAMETER, "there is no kind of login %u", type);
    u->auth_type = type;
    forget_other_kinds(u);
    if (type == AUTH_TYPE_CERT)
        return take_cert(c, u, error);
    if (type == AUTH_TYPE_SIGNED)
        return take_signed(c, u, error);
    if (type == AUTH_TYPE_RADIUS || type == AUTH_TYPE_NT)
        return take_external(c, u, error);
    if (type != AUTH_TYPE_PASSWORD)
        return true;
    if (c->verifier)
        take_password(c, u);
    else if (!u->verifier)
        return rpc_fail(error, PE_INVALID_PARAMETER, "the user needs a password");
    return true;
}

/* Left out: as it is. */
static bool
take_address(const struct rpc_call *c, struct store_user *u, GError **error)
{
    const char *fault =
        record_has(c->in, "FixedAddress_str")
            ? fixed_address_parse(record_text(c->in, "FixedAddress_str"), &u->address)
            : NULL;

    return !fault || rpc_fail(error, PE_INVALID_PARAMETER, "the fixed address: %s", fault);
}

/* In the spelling of the group. */
static bool
take_group(const struct rpc_call *c, struct store_user *u, GError **error)
{
    const char *hub = record_text(c->in, "HubName_str");
    const char *name = record_text(c->in, "GroupName_str");
    struct store_group *g = name[0] ? store_group_get(c->host->store, hub, name) : NULL;

    if (name[0] && !g)
        return rpc_fail(error, PE_GROUP_NOT_FOUND, "hub '%s' has no group '%s'", hub, name);
    g_free(u->group);
    u->group = g_strdup(g ? g->name : "");
    store_group_free(g);
    return true;
}

/* All but the name; u holds what is there already. */
static bool
take_settings(const struct rpc_call *c, struct store_user *u, GError **error)
{
    if (!take_group(c, u, error) || !take_auth(c, u, error) || !take_address(c, u, error))
        return false;
    g_free(u->realname);
    g_free(u->note);
    u->realname = g_strdup(record_text(c->in, "Realname_utf"));
    u->note = g_strdup(record_text(c->in, "Note_utf"));
    u->expires_ms = record_dt(c->in, "ExpireTime_dt");
    u->has_policy = record_bool(c->in, "UsePolicy_bool");
    u->policy = u->has_policy ? policy_fields_in(c->in) : policy_default();
    if (u->policy.VLanId > VLAN_MAX)
        return rpc_fail(error, PE_INVALID_PARAMETER, "a VLAN is a number from 0 to %d", VLAN_MAX);
    return true;
}

/* ---- what goes out ---- */

static struct hub_traffic
traffic_of(const uint64_t four[4])
{
    return (struct hub_traffic){.broadcast_bytes = four[0],
                                .broadcast_frames = four[1],
                                .unicast_bytes = four[2],
                                .unicast_frames = four[3]};
}

static void
put_traffic(struct record *out, const char *prefix, const struct store_user *u)
{
    struct hub_traffic in = traffic_of(u->traffic), sent = traffic_of(u->traffic + 4);

    rpc_put_traffic(out, prefix, &in, &sent);
}

static void
put_bytes(struct record *out, const char *field, GBytes *bytes)
{
    gsize len = 0;
    const void *at = bytes ? g_bytes_get_data(bytes, &len) : NULL;

    if (at)
        record_set_bin(out, field, at, len);
}

static struct record *
answer(const struct rpc_call *c, const struct store_user *u)
{
    struct record *out = record_new();
    char address[FIXED_ADDRESS_TEXT];

    record_set_text(out, "FixedAddress_str", fixed_address_print(&u->address, address));
    record_set_text(out, "HubName_str", record_text(c->in, "HubName_str"));
    record_set_text(out, "Name_str", u->name);
    record_set_text(out, "GroupName_str", u->group);
    record_set_text(out, "Realname_utf", u->realname);
    record_set_text(out, "Note_utf", u->note);
    record_set_dt(out, "CreatedTime_dt", u->created_ms);
    record_set_dt(out, "UpdatedTime_dt", u->updated_ms);
    record_set_dt(out, "ExpireTime_dt", u->expires_ms);
    record_set_u32(out, "AuthType_u32", u->auth_type);
    put_bytes(out, "UserX_bin", u->cert);
    put_bytes(out, "Serial_bin", u->cert_serial);
    record_set_text(out, "CommonName_utf", u->cert_cn);
    if (u->auth_type == AUTH_TYPE_RADIUS)
        record_set_text(out, "RadiusUsername_utf", u->external_name ? u->external_name : "");
    if (u->auth_type == AUTH_TYPE_NT)
        record_set_text(out, "NtUsername_utf", u->external_name ? u->external_name : "");
    record_set_u32(out, "NumLogin_u32", u->logins);
    put_traffic(out, "", u);
    record_set_bool(out, "UsePolicy_bool", u->has_policy);
    policy_fields_out(out, &u->policy);
    return out;
}

/* ---- the methods ---- */

static struct store_user *
stored_user(const struct rpc_call *c, GError **error)
{
    const char *hub = record_text(c->in, "HubName_str");
    const char *name = record_text(c->in, "Name_str");
    struct store_hub *h = rpc_stored_hub(c, error);

    if (!h)
        return NULL;
    store_hub_free(h);
    struct store_user *u = store_user_get(c->host->store, hub, name);
    if (!u)
        rpc_fail(error, PE_NOT_FOUND, "hub '%s' has no user '%s'", hub, name);
    return u;
}

static struct record *
read_back(const struct rpc_call *c, GError **error)
{
    struct store_user *u = stored_user(c, error);

    if (!u)
        return NULL;
    struct record *out = answer(c, u);
    store_user_free(u);
    return out;
}

static struct record *
create_user(const struct rpc_call *c, GError **error)
{
    struct store_hub *h = rpc_stored_hub(c, error);

    if (!h)
        return NULL;
    store_hub_free(h);
    if (!check_name(record_text(c->in, "Name_str"), error))
        return NULL;
    struct store_user *u = g_new0(struct store_user, 1);
    u->name = g_strdup(record_text(c->in, "Name_str"));
    bool ok = take_settings(c, u, error) &&
              store_user_create(c->host->store, record_text(c->in, "HubName_str"), u, error);
    store_user_free(u);
    return ok ? read_back(c, error) : NULL;
}

static struct record *
set_user(const struct rpc_call *c, GError **error)
{
    struct store_user *u = stored_user(c, error);

    if (!u)
        return NULL;
    bool ok = take_settings(c, u, error) &&
              store_user_update(c->host->store, record_text(c->in, "HubName_str"), u, error);
    store_user_free(u);
    return ok ? read_back(c, error) : NULL;
}

static struct record *
get_user(const struct rpc_call *c, GError **error)
{
    return read_back(c, error);
}

static void
end_sessions(const struct rpc_call *c, const char *user)
{
    struct hub *hub = rpc_living_hub(c, NULL);

    if (!hub)
        return;
    GPtrArray *all = hub_session_list(hub);
    for (unsigned i = 0; i < all->len; i++) {
        struct session *s = g_ptr_array_index(all, i);
        if (g_ascii_strcasecmp(s->user, user) == 0)
            session_request_stop(s, PE_SESSION_REMOVED);
    }
    g_ptr_array_unref(all);
    hub_unref(hub);
}

static struct record *
delete_user(const struct rpc_call *c, GError **error)
{
    const char *name = record_text(c->in, "Name_str");
    struct store_user *u = stored_user(c, error);

    if (!u)
        return NULL;
    store_user_free(u);
    if (!store_user_delete(c->host->store, record_text(c->in, "HubName_str"), name, error))
        return NULL;
    end_sessions(c, name);
    return rpc_echo(c);
}

static void
put_row(struct record *row, const struct store_user *u)
{
    record_set_text(row, "Name_str", u->name);
    record_set_text(row, "GroupName_str", u->group);
    record_set_text(row, "Realname_utf", u->realname);
    record_set_text(row, "Note_utf", u->note);
    record_set_u32(row, "AuthType_u32", u->auth_type);
    record_set_u32(row, "NumLogin_u32", u->logins);
    record_set_dt(row, "LastLoginTime_dt", u->last_login_ms);
    record_set_bool(row, "DenyAccess_bool", u->has_policy && !u->policy.Access);
    record_set_bool(row, "IsExpiresFilled_bool", true);
    record_set_dt(row, "Expires_dt", u->expires_ms);
    record_set_bool(row, "IsTrafficFilled_bool", true);
    put_traffic(row, "Ex.", u);
}

static struct record *
enum_users(const struct rpc_call *c, GError **error)
{
    struct store_hub *h = rpc_stored_hub(c, error);

    if (!h)
        return NULL;
    store_hub_free(h);
    struct record *out = rpc_echo(c);
    GPtrArray *all = store_users(c->host->store, record_text(c->in, "HubName_str"));
    record_make_array(out, "UserList");
    for (unsigned i = 0; i < all->len; i++)
        put_row(record_append(out, "UserList"), g_ptr_array_index(all, i));
    g_ptr_array_unref(all);
    return out;
}

const struct rpc_handler_row rpc_user_handlers[] = {
    {"EnumUser", enum_users, NULL},
    {"CreateUser", create_user, "Auth_Password_str"},
    {"SetUser", set_user, "Auth_Password_str"},
    {"GetUser", get_user, NULL},
    {"DeleteUser", delete_user, NULL},
    {NULL, NULL, NULL},
};
