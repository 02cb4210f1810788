/* SPDX-License-Identifier: Apache-2.0 */
/* test-rpc-server.c - the dispatcher over a real store and real hubs: rights of every method for
 * every rank, and what the methods do. */
#include "core/auth/password.h"
#include "core/crypto/cert.h"
#include "core/crypto/nthash.h"
#include "core/crypto/sha0.h"
#include "core/hub/bridge.h"
#include "core/rpc/identity.h"
#include "core/rpc/rpc_priv.h"
#include "tests/unit/rpc/fixture.h"

static void
test_every_method_has_a_handler(void)
{
    const struct rpc_method *m;

    for (unsigned i = 0; (m = rpc_method_at(i)) != NULL; i++) {
        const struct rpc_handler_row *row = rpc_handler_find(m->name);
        g_test_message("%s", m->name);
        g_assert_nonnull(row);
        if (row->password) {
            const struct rpc_field *f = rpc_field_find(m->in, row->password);
            g_assert_nonnull(f);
            g_assert_true(f->flags & RPC_SECRET);
        }
    }
}

/* Each method, each rank, each hub: whether the answer is "not enough rights". */
static void
test_rights(void)
{
    static const struct {
        enum rpc_rank rank;
        const char *own, *named;
        bool any, hub, server; /* allowed */
    } cases[] = {
        {RPC_RANK_NONE, "", "ONE", false, false, false},
        {RPC_RANK_HUB, "ONE", "ONE", true, true, false},
        {RPC_RANK_HUB, "ONE", "one", true, true, false}, /* without case */
        {RPC_RANK_HUB, "ONE", "TWO", true, false, false},
        {RPC_RANK_HUB, "ONE", "NONE", true, false, false}, /* does not tell which hubs exist */
        {RPC_RANK_SERVER, "", "ONE", true, true, true},
    };
    struct fixture f = {0};
    const struct rpc_method *m;

    fixture_open(&f, NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (unsigned k = 0; (m = rpc_method_at(k)) != NULL; k++) {
            struct rpc_caller caller = {.rank = cases[i].rank};
            g_autoptr(GError) error = NULL;
            g_autoptr(record_t) in = record_new();
            g_strlcpy(caller.hub, cases[i].own, sizeof(caller.hub));
            if (m->right == RPC_HUB_ADMIN)
                record_set_text(in, m->hub_field ? m->hub_field : "HubName_str", cases[i].named);
            bool allowed = m->right == RPC_ANY_ADMIN   ? cases[i].any
                           : m->right == RPC_HUB_ADMIN ? cases[i].hub
                                                       : cases[i].server;
            if (strcmp(m->name, "SetHubAdminOptions") == 0) /* of a hub: test_admin_options() */
                allowed = cases[i].server;
            record_free(rpc_dispatch(f.server, &caller, m->name, in, &error));
            g_test_message("%zu %s %s", i, m->name, error ? error->message : "done");
            g_assert_cmpint(g_error_matches(error, PE_ERROR, PE_NOT_ENOUGH_RIGHTS), ==, !allowed);
        }
    fixture_do(&f, "EnumUser", record_new(), PE_INVALID_PARAMETER); /* no hub named */
    fixture_do(&f, "NoSuchMethod", record_new(), PE_NOT_SUPPORTED);
    fixture_close(&f);
}

static void
test_hubs(void)
{
    struct fixture f = {0};
    struct rpc_caller own = {.rank = RPC_RANK_HUB, .hub = "one"};

    fixture_open(&f, NULL);
    fixture_do(&f, "CreateHub",
               fixture_record("HubName_str=ONE", "Online_bool=true", "MaxSession_u32=5",
                              "AdminPasswordPlainText_str=pw", NULL),
               PE_OK);
    fixture_do(&f, "CreateHub", fixture_record("HubName_str=one", NULL), PE_HUB_EXISTS);
    fixture_do(&f, "CreateHub", fixture_record("HubName_str=a/b", NULL), PE_INVALID_PARAMETER);
    fixture_do(&f, "CreateHub", record_new(), PE_INVALID_PARAMETER);
    fixture_do(&f, "CreateHub", fixture_record("HubName_str=TWO", NULL), PE_OK);

    struct hub *hub = hubs_find(f.host.hubs, "ONE");
    g_assert_nonnull(hub);
    g_assert_true(hub_is_online(hub));
    struct store_hub *stored = store_hub_get(f.host.store, "ONE");
    g_assert_true(password_verify(stored->admin_verifier, "pw"));
    g_assert_true(stored->has_admin_hash);
    g_autofree char *verifier = g_strdup(stored->admin_verifier);
    store_hub_free(stored);

    /* An empty password in SetHub leaves the old one; what else is missing is zero. */
    fixture_do(&f, "SetHub", fixture_record("HubName_str=one", "NoEnum_bool=true", NULL), PE_OK);
    stored = store_hub_get(f.host.store, "ONE");
    g_assert_cmpstr(stored->admin_verifier, ==, verifier);
    g_assert_cmpuint(stored->max_sessions, ==, 0);
    g_assert_true(stored->no_enum);
    store_hub_free(stored);
    g_assert_false(hub_is_online(hub));
    g_assert_false(hub_is_listed(hub));
    fixture_do(&f, "SetHubOnline", fixture_record("HubName_str=ONE", "Online_bool=true", NULL),
               PE_OK);
    g_assert_true(hub_is_online(hub));
    hub_unref(hub);

    g_autoptr(record_t) got =
        fixture_call(&f, "GetHub", fixture_record("HubName_str=one", NULL), PE_OK);
    g_assert_cmpstr(record_text(got, "HubName_str"), ==, "ONE"); /* the spelling it was made with */
    g_assert_false(record_has(got, "AdminPasswordPlainText_str"));

    g_autoptr(record_t) all = fixture_call(&f, "EnumHub", record_new(), PE_OK);
    g_assert_cmpuint(record_u32(all, "NumHub_u32"), ==, 2);
    g_assert_cmpuint(record_count(all, "HubList"), ==, 2);
    g_autoptr(record_t) mine = fixture_call_as(&f, &own, "EnumHub", record_new(), PE_OK);
    g_assert_cmpuint(record_count(mine, "HubList"), ==, 1);
    g_assert_cmpstr(record_text(record_at(mine, "HubList", 0), "HubName_str"), ==, "ONE");

    g_autoptr(record_t) status =
        fixture_call(&f, "GetHubStatus", fixture_record("HubName_str=ONE", NULL), PE_OK);
    g_assert_true(record_bool(status, "Online_bool"));
    g_assert_true(record_has(status, "Recv.UnicastBytes_u64"));

    fixture_do(&f, "DeleteHub", fixture_record("HubName_str=ONE", NULL), PE_OK);
    fixture_do(&f, "DeleteHub", fixture_record("HubName_str=ONE", NULL), PE_HUB_NOT_FOUND);
    fixture_do(&f, "GetHub", fixture_record("HubName_str=ONE", NULL), PE_HUB_NOT_FOUND);
    g_assert_null(hubs_find(f.host.hubs, "ONE"));
    fixture_close(&f);
}

static struct record *
user_call(const char *extra)
{
    return fixture_record("HubName_str=ONE", "Name_str=anna", extra, NULL);
}

static void
test_users(void)
{
    struct fixture f = {0};
    uint8_t sevpn[SHA0_SIZE], nt[NT_HASH_SIZE];

    fixture_open(&f, NULL);
    fixture_do(&f, "CreateHub", fixture_record("HubName_str=ONE", NULL), PE_OK);
    fixture_do(&f, "CreateUser", fixture_record("HubName_str=NONE", "Name_str=anna", NULL),
               PE_HUB_NOT_FOUND);
    fixture_do(&f, "CreateUser", user_call("AuthType_u32=1"), PE_INVALID_PARAMETER);
    fixture_do(&f, "CreateUser", user_call("AuthType_u32=4"), PE_OK); /* by RADIUS */
    fixture_do(&f, "DeleteUser", user_call(NULL), PE_OK);
    fixture_do(&f, "CreateUser", user_call("AuthType_u32=9"), PE_INVALID_PARAMETER);
    fixture_do(&f, "CreateUser", user_call("AuthType_u32=2"), PE_INVALID_PARAMETER); /* no cert */
    fixture_do(&f, "CreateUser", fixture_record("HubName_str=ONE", "Name_str=Administrator", NULL),
               PE_INVALID_PARAMETER);
    fixture_do(&f, "CreateUser", fixture_record("HubName_str=ONE", "Name_str= x", NULL),
               PE_INVALID_PARAMETER);
    fixture_do(&f, "CreateUser", fixture_record("HubName_str=ONE", "Name_str=a\nb", NULL),
               PE_INVALID_PARAMETER);
    fixture_do(&f, "CreateUser",
               fixture_record("HubName_str=ONE", "Name_str=anna", "AuthType_u32=1",
                              "Auth_Password_str=pw", "Realname_utf=Anna", "ExpireTime_dt=1000",
                              "UsePolicy_bool=true", "policy:MaxUpload_u32=5000",
                              "policy:MaxConnection_u32=99", NULL),
               PE_OK);
    fixture_do(&f, "CreateUser",
               fixture_record("HubName_str=ONE", "Name_str=ANNA", "AuthType_u32=0", NULL),
               PE_USER_EXISTS);

    struct store_user *u = store_user_get(f.host.store, "ONE", "anna");
    g_assert_true(password_verify(u->verifier, "pw"));
    sevpn_user_hash("anna", "pw", sevpn);
    nt_hash("pw", nt);
    g_assert_cmpmem(u->sevpn_hash, sizeof(u->sevpn_hash), sevpn, sizeof(sevpn));
    g_assert_cmpmem(u->nt_hash, sizeof(u->nt_hash), nt, sizeof(nt));
    g_assert_cmpuint(u->policy.MaxUpload, ==, 5000);
    g_assert_cmpuint(u->policy.MaxConnection, ==, 32); /* more than there may be */
    g_assert_cmpuint(u->policy.Access, ==, 1);         /* not named: the default */
    g_autofree char *verifier = g_strdup(u->verifier);
    store_user_free(u);

    /* No password: the old one stays. The rest is replaced. */
    fixture_do(&f, "SetUser", user_call("AuthType_u32=1"), PE_OK);
    u = store_user_get(f.host.store, "ONE", "anna");
    g_assert_cmpstr(u->verifier, ==, verifier);
    g_assert_true(u->has_sevpn_hash);
    g_assert_cmpstr(u->realname, ==, "");
    g_assert_cmpint(u->expires_ms, ==, 0);
    g_assert_false(u->has_policy);
    store_user_free(u);

    /* Another kind of login forgets the password. */
    fixture_do(&f, "SetUser", user_call("AuthType_u32=0"), PE_OK);
    u = store_user_get(f.host.store, "ONE", "anna");
    g_assert_null(u->verifier);
    g_assert_false(u->has_sevpn_hash || u->has_nt_hash);
    store_user_free(u);
    fixture_do(&f, "SetUser", user_call("AuthType_u32=1"), PE_INVALID_PARAMETER);
    fixture_do(&f, "SetUser", user_call("GroupName_str=none"), PE_GROUP_NOT_FOUND);
    fixture_do(&f, "SetUser", fixture_record("HubName_str=ONE", "Name_str=bert", NULL),
               PE_NOT_FOUND);

    g_autoptr(record_t) got = fixture_call(&f, "GetUser", user_call(NULL), PE_OK);
    g_assert_cmpstr(record_text(got, "Name_str"), ==, "anna");
    g_assert_false(record_has(got, "Auth_Password_str"));
    g_autoptr(record_t) all =
        fixture_call(&f, "EnumUser", fixture_record("HubName_str=ONE", NULL), PE_OK);
    g_assert_cmpuint(record_count(all, "UserList"), ==, 1);
    fixture_do(&f, "DeleteUser", user_call(NULL), PE_OK);
    fixture_do(&f, "DeleteUser", user_call(NULL), PE_NOT_FOUND);
    fixture_close(&f);
}

static struct record *
message_call(const char *text, size_t len)
{
    struct record *r = fixture_record("HubName_str=ONE", NULL);

    record_set_bin(r, "Msg_bin", text, len);
    return r;
}

static void
test_message(void)
{
    static const char text[] = "Guten Tag\n\xc3\xa4";
    struct fixture f = {0};
    size_t len = 0;

    fixture_open(&f, NULL);
    fixture_do(&f, "CreateHub", fixture_record("HubName_str=ONE", NULL), PE_OK);
    fixture_do(&f, "SetHubMsg", message_call(text, strlen(text)), PE_OK);
    fixture_do(&f, "SetHubMsg", message_call("\xff", 1), PE_INVALID_PARAMETER);
    fixture_do(&f, "SetHubMsg", message_call("a\0b", 3), PE_INVALID_PARAMETER);
    g_autofree char *much = g_strnfill(HUB_MESSAGE_MAX + 1, 'a');
    fixture_do(&f, "SetHubMsg", message_call(much, strlen(much)), PE_INVALID_PARAMETER);
    g_autoptr(record_t) got =
        fixture_call(&f, "GetHubMsg", fixture_record("HubName_str=ONE", NULL), PE_OK);
    const void *bytes = record_bin(got, "Msg_bin", &len);
    g_assert_true(len == strlen(text) && memcmp(bytes, text, len) == 0);
    g_autofree char *stored = store_hub_get_text(f.host.store, "ONE", "message");
    g_assert_cmpstr(stored, ==, text);
    fixture_do(&f, "SetHubMsg", message_call("", 0), PE_OK);
    g_assert_null(store_hub_get_text(f.host.store, "ONE", "message"));
    fixture_close(&f);
}

static struct record *
option_call(const char *name, uint32_t value)
{
    struct record *r = fixture_record("HubName_str=ONE", NULL);
    struct record *row = record_append(r, "AdminOptionList");

    record_set_text(row, "Name_str", name);
    record_set_u32(row, "Value_u32", value);
    return r;
}

static void
do_as(struct fixture *f, const struct rpc_caller *caller, const char *method, struct record *in,
      int want)
{
    record_free(fixture_call_as(f, caller, method, in, want));
}

/* What the server's administrator forbids to the hub's, and what holds for everybody. */
static void
test_admin_options(void)
{
    const struct rpc_caller own = {.rank = RPC_RANK_HUB, .hub = "one"};
    struct fixture f = {0};

    fixture_open(&f, NULL);
    fixture_do(&f, "CreateHub", fixture_record("HubName_str=ONE", "Online_bool=true", NULL), PE_OK);
    g_autoptr(record_t) all =
        fixture_call(&f, "GetHubAdminOptions", fixture_record("HubName_str=ONE", NULL), PE_OK);
    g_assert_cmpuint(record_count(all, "AdminOptionList"), ==, 41);
    fixture_do(&f, "SetHubAdminOptions", option_call("no_such_option", 1), PE_INVALID_PARAMETER);

    do_as(&f, &own, "CreateUser", user_call(NULL), PE_OK);
    fixture_do(&f, "SetHubAdminOptions", option_call("no_change_users", 1), PE_OK);
    do_as(&f, &own, "SetUser", user_call(NULL), PE_NOT_ENOUGH_RIGHTS);
    do_as(&f, &own, "GetUser", user_call(NULL), PE_OK);
    fixture_do(&f, "SetUser", user_call(NULL), PE_OK);

    fixture_do(&f, "SetHubAdminOptions", option_call("no_offline", 1), PE_OK);
    do_as(&f, &own, "SetHubOnline", fixture_record("HubName_str=ONE", "Online_bool=false", NULL),
          PE_NOT_ENOUGH_RIGHTS);
    do_as(&f, &own, "SetHubOnline", fixture_record("HubName_str=ONE", "Online_bool=true", NULL),
          PE_OK);

    do_as(&f, &own, "SetHubAdminOptions", option_call("no_offline", 0), PE_NOT_ENOUGH_RIGHTS);
    fixture_do(&f, "SetHubAdminOptions", option_call("allow_hub_admin_change_option", 1), PE_OK);
    do_as(&f, &own, "SetHubAdminOptions", option_call("no_offline", 0), PE_OK);

    fixture_do(&f, "SetHubAdminOptions", option_call("max_users", 1), PE_OK);
    fixture_do(&f, "CreateUser",
               fixture_record("HubName_str=ONE", "Name_str=bert", "AuthType_u32=0", NULL),
               PE_TOO_MANY_USERS);
    fixture_do(&f, "SetHubAdminOptions", option_call("max_bitrates_upload", 1000), PE_OK);
    fixture_do(&f, "SetHubAdminOptions", option_call("deny_bridge", 1), PE_OK);
    struct store_user *u = store_user_get(f.host.store, "ONE", "anna");
    struct policy policy = store_user_policy(f.host.store, "ONE", u);
    g_assert_cmpuint(policy.MaxUpload, ==, 1000);
    g_assert_cmpuint(policy.NoBridge, ==, 1);
    g_assert_cmpuint(policy.MaxDownload, ==, 0);
    store_user_free(u);
    fixture_close(&f);
}

static uint32_t
max_mac_of_anna(struct fixture *f)
{
    struct store_user *u = store_user_get(f->host.store, "ONE", "anna");
    struct policy policy = store_user_policy(f->host.store, "ONE", u);

    store_user_free(u);
    return policy.MaxMac;
}

/* The policy of the user, else of the group, else of the hub. */
static void
test_groups(void)
{
    struct fixture f = {0};

    fixture_open(&f, NULL);
    fixture_do(&f, "CreateHub", fixture_record("HubName_str=ONE", "Online_bool=true", NULL), PE_OK);
    fixture_do(&f, "CreateUser",
               fixture_record("HubName_str=ONE", "Name_str=anna", "AuthType_u32=0", NULL), PE_OK);
    g_assert_cmpuint(max_mac_of_anna(&f), ==, 0);
    fixture_do(
        &f, "SetHubDefaultPolicy",
        fixture_record("HubName_str=ONE", "UsePolicy_bool=true", "policy:MaxMac_u32=3", NULL),
        PE_OK);
    g_assert_cmpuint(max_mac_of_anna(&f), ==, 3);

    struct record *staff = fixture_record("HubName_str=ONE", "Name_str=Staff", NULL);
    record_set_text(staff, "Realname_utf", "All who work here");
    fixture_do(&f, "CreateGroup", staff, PE_OK);
    fixture_do(&f, "CreateGroup", fixture_record("HubName_str=ONE", "Name_str=STAFF", NULL),
               PE_GROUP_EXISTS);
    fixture_do(&f, "SetUser", user_call("GroupName_str=staff"), PE_OK);
    g_assert_cmpuint(max_mac_of_anna(&f), ==, 3); /* the group has none */
    fixture_do(&f, "SetGroup",
               fixture_record("HubName_str=ONE", "Name_str=staff", "UsePolicy_bool=true",
                              "policy:MaxMac_u32=4", NULL),
               PE_OK);
    g_assert_cmpuint(max_mac_of_anna(&f), ==, 4);
    struct record *own = user_call("GroupName_str=staff");
    record_set_bool(own, "UsePolicy_bool", true);
    record_set_u32(own, "policy:MaxMac_u32", 5);
    fixture_do(&f, "SetUser", own, PE_OK);
    g_assert_cmpuint(max_mac_of_anna(&f), ==, 5);

    g_autoptr(record_t) all =
        fixture_call(&f, "EnumGroup", fixture_record("HubName_str=ONE", NULL), PE_OK);
    g_assert_cmpuint(record_count(all, "GroupList"), ==, 1);
    g_assert_cmpuint(record_u32(record_at(all, "GroupList", 0), "NumUsers_u32"), ==, 1);
    g_autoptr(record_t) user = fixture_call(&f, "GetUser", user_call(NULL), PE_OK);
    g_assert_cmpstr(record_text(user, "GroupName_str"), ==, "Staff");
    fixture_do(&f, "DeleteGroup", fixture_record("HubName_str=ONE", "Name_str=staff", NULL), PE_OK);
    fixture_do(&f, "GetGroup", fixture_record("HubName_str=ONE", "Name_str=staff", NULL),
               PE_GROUP_NOT_FOUND);
    g_autoptr(record_t) after = fixture_call(&f, "GetUser", user_call(NULL), PE_OK);
    g_assert_cmpstr(record_text(after, "GroupName_str"), ==, "");
    fixture_close(&f);
}

static void
put_bytes(struct record *r, const char *field, const char *text)
{
    record_set_bin(r, field, text, strlen(text));
}

/* A certificate for users and authorities, and one for the server. */
static void
test_certificates(void)
{
    struct fixture f = {0};
    struct identity id = {0}, other = {0};
    GError *error = NULL;
    size_t len = 0;

    fixture_open(&f, NULL);
    fixture_do(&f, "GetServerCert", record_new(), PE_NOT_FOUND);
    fixture_do(&f, "RegenerateServerCert", fixture_record("StrValue_str=vpn.example", NULL), PE_OK);
    g_assert_cmpuint(f.cert_changes, ==, 1);
    g_assert_true(identity_load(f.host.store, &id, &error));
    g_autoptr(record_t) got = fixture_call(&f, "GetServerCert", record_new(), PE_OK);
    g_assert_false(record_has(got, "Key_bin"));
    (void)record_bin(got, "Cert_bin", &len);
    g_assert_cmpuint(len, >, 100);

    /* A pair that does not belong together, and one that the host refuses: the old one stays. */
    g_assert_true(identity_make("other", &other, &error));
    g_autofree char *cert = cert_to_pem(id.cert);
    char *key = cert_key_to_pem(other.key);
    struct record *pair = record_new();
    put_bytes(pair, "Cert_bin", cert);
    put_bytes(pair, "Key_bin", key);
    fixture_do(&f, "SetServerCert", pair, PE_INVALID_PARAMETER);
    g_assert_cmpuint(f.cert_changes, ==, 1);
    f.refuse_cert = true;
    g_autofree char *other_cert = cert_to_pem(other.cert);
    pair = record_new();
    put_bytes(pair, "Cert_bin", other_cert);
    put_bytes(pair, "Key_bin", key);
    fixture_do(&f, "SetServerCert", pair, PE_INTERNAL);
    identity_clear(&other);
    g_assert_true(identity_load(f.host.store, &other, &error));
    g_assert_cmpint(X509_cmp(other.cert, id.cert), ==, 0);

    fixture_do(&f, "CreateHub", fixture_record("HubName_str=ONE", NULL), PE_OK);
    struct record *ca = fixture_record("HubName_str=ONE", NULL);
    fixture_do(&f, "AddCa", fixture_record("HubName_str=ONE", NULL), PE_INVALID_PARAMETER);
    put_bytes(ca, "Cert_bin", cert);
    fixture_do(&f, "AddCa", ca, PE_OK);
    g_autoptr(record_t) cas =
        fixture_call(&f, "EnumCa", fixture_record("HubName_str=ONE", NULL), PE_OK);
    g_assert_cmpuint(record_count(cas, "CAList"), ==, 1);
    const struct record *row = record_at(cas, "CAList", 0);
    g_assert_nonnull(strstr(record_text(row, "SubjectName_utf"), "vpn.example"));
    g_assert_cmpint(record_dt(row, "Expires_dt"), >, 0);
    struct record *ask = fixture_record("HubName_str=ONE", NULL);
    record_set_u32(ask, "Key_u32", record_u32(row, "Key_u32"));
    struct record *again = fixture_record("HubName_str=ONE", NULL);
    record_copy(again, ask, "Key_u32");
    g_autoptr(record_t) one = fixture_call(&f, "GetCa", ask, PE_OK);
    (void)record_bin(one, "Cert_bin", &len);
    g_assert_cmpuint(len, >, 100);
    fixture_do(&f, "DeleteCa", again, PE_OK);
    fixture_do(&f, "GetCa", fixture_record("HubName_str=ONE", "Key_u32=1", NULL), PE_NOT_FOUND);

    struct record *user = user_call("AuthType_u32=2");
    put_bytes(user, "UserX_bin", cert);
    g_autoptr(record_t) made = fixture_call(&f, "CreateUser", user, PE_OK);
    (void)record_bin(made, "UserX_bin", &len);
    g_assert_cmpuint(len, >, 100);
    fixture_do(&f, "SetUser", user_call("AuthType_u32=2"), PE_OK); /* the certificate stays */

    g_free(key);
    identity_clear(&id);
    identity_clear(&other);
    fixture_close(&f);
}

static void
test_listeners(void)
{
    struct fixture f = {0};

    fixture_open(&f, NULL);
    fixture_do(&f, "CreateListener", fixture_record("Port_u32=0", NULL), PE_INVALID_PARAMETER);
    fixture_do(&f, "CreateListener", fixture_record("Port_u32=65536", NULL), PE_INVALID_PARAMETER);
    fixture_do(&f, "CreateListener", fixture_record("Port_u32=443", "Enable_bool=true", NULL),
               PE_OK);
    fixture_do(&f, "CreateListener", fixture_record("Port_u32=443", NULL), PE_LISTENER_EXISTS);
    /* What the system refuses leaves nothing behind. */
    fixture_do(&f, "CreateListener", fixture_record("Port_u32=25", "Enable_bool=true", NULL),
               PE_CONNECT_FAILED);
    g_autoptr(record_t) all = fixture_call(&f, "EnumListener", record_new(), PE_OK);
    g_assert_cmpuint(record_count(all, "ListenerList"), ==, 1);
    fixture_do(&f, "CreateListener", fixture_record("Port_u32=25", NULL), PE_OK); /* not opened */
    fixture_do(&f, "EnableListener", fixture_record("Port_u32=25", "Enable_bool=true", NULL),
               PE_CONNECT_FAILED);
    g_autoptr(record_t) two = fixture_call(&f, "EnumListener", record_new(), PE_OK);
    g_assert_cmpuint(record_count(two, "ListenerList"), ==, 2);
    g_assert_false(record_bool(record_at(two, "ListenerList", 0), "Enables_bool")); /* put back */
    fixture_do(&f, "EnableListener", fixture_record("Port_u32=443", "Enable_bool=false", NULL),
               PE_OK);
    g_assert_cmpint(fixture_listener_state(&f, 443), ==, RPC_LISTENER_CLOSED);
    fixture_do(&f, "DeleteListener", fixture_record("Port_u32=443", NULL), PE_OK);
    fixture_do(&f, "DeleteListener", fixture_record("Port_u32=443", NULL), PE_LISTENER_NOT_FOUND);
    fixture_do(&f, "EnableListener", fixture_record("Port_u32=443", NULL), PE_LISTENER_NOT_FOUND);
    fixture_close(&f);
}

static void
test_server(void)
{
    struct fixture f = {0};

    fixture_open(&f, NULL);
    g_autoptr(record_t) echo =
        fixture_call(&f, "test", fixture_record("IntValue_u32=4000000000", NULL), PE_OK);
    g_assert_cmpstr(record_text(echo, "StrValue_str"), ==, "4000000000");
    g_autoptr(record_t) info = fixture_call(&f, "GetServerInfo", record_new(), PE_OK);
    g_assert_cmpstr(record_text(info, "ServerHostName_str"), !=, "");
    g_autoptr(record_t) status = fixture_call(&f, "GetServerStatus", record_new(), PE_OK);
    g_assert_cmpint(record_dt(status, "StartTime_dt"), >, 1600000000000);
    g_autoptr(record_t) caps = fixture_call(&f, "GetCaps", record_new(), PE_OK);
    g_assert_cmpuint(record_count(caps, "CapsList"), >, 10);
    fixture_do(&f, "Flush", record_new(), PE_OK);
    fixture_do(&f, "SetServerPassword", record_new(), PE_INVALID_PARAMETER);
    g_autoptr(record_t) set = fixture_call(&f, "SetServerPassword",
                                           fixture_record("PlainTextPassword_str=pw", NULL), PE_OK);
    g_assert_false(record_has(set, "PlainTextPassword_str"));
    g_autofree char *verifier = store_get_text(f.host.store, RPC_SETTING_ADMIN_VERIFIER);
    g_assert_true(password_verify(verifier, "pw"));
    fixture_close(&f);
}

static void
test_bridges(void)
{
    struct fixture f = {0};
    g_autoptr(GError) error = NULL;
    g_autoptr(record_t) in =
        fixture_record("HubNameLB_str=ONE", "DeviceName_str=pe-no-such0", NULL);

    fixture_open(&f, NULL);
    g_ptr_array_set_free_func(f.host.bridges, (GDestroyNotify)bridge_free);
    fixture_do(&f, "AddLocalBridge", record_new(), PE_INVALID_PARAMETER);
    record_free(rpc_dispatch(f.server, &fixture_admin, "AddLocalBridge", in, &error));
    g_assert_error(error, PE_ERROR, PE_HUB_NOT_FOUND);
    g_clear_error(&error);
    fixture_do(&f, "CreateHub", fixture_record("HubName_str=ONE", NULL), PE_OK);
    g_autoptr(record_t) made = rpc_dispatch(f.server, &fixture_admin, "AddLocalBridge", in, &error);
    g_autoptr(record_t) all = fixture_call(&f, "EnumLocalBridge", record_new(), PE_OK);
    if (!made) { /* without rights: nothing is left behind */
        g_assert_error(error, PE_ERROR, PE_LOCAL_BRIDGE_UNSUPPORTED);
        g_assert_cmpuint(record_count(all, "LocalBridgeList"), ==, 0);
    } else {
        g_assert_cmpuint(record_count(all, "LocalBridgeList"), ==, 1);
        g_assert_false(record_bool(record_at(all, "LocalBridgeList", 0), "Active_bool"));
        g_assert_cmpuint(f.host.bridges->len, ==, 1);
        fixture_do(&f, "DeleteLocalBridge",
                   fixture_record("HubNameLB_str=one", "DeviceName_str=pe-no-such0", NULL), PE_OK);
        g_assert_cmpuint(f.host.bridges->len, ==, 0);
        record_free(rpc_dispatch(f.server, &fixture_admin, "AddLocalBridge", in, &error));
        g_assert_cmpuint(f.host.bridges->len, ==, 1);
        fixture_do(&f, "DeleteHub", fixture_record("HubName_str=ONE", NULL), PE_OK);
        g_assert_cmpuint(f.host.bridges->len, ==, 0); /* it goes with its hub */
        fixture_do(&f, "CreateHub", fixture_record("HubName_str=ONE", NULL), PE_OK);
    }
    fixture_do(&f, "DeleteLocalBridge",
               fixture_record("HubNameLB_str=one", "DeviceName_str=pe-no-such0", NULL),
               PE_NOT_FOUND);
    fixture_do(&f, "EnumEthernet", record_new(), PE_OK);
    fixture_do(&f, "GetBridgeSupport", record_new(), PE_OK);
    fixture_close(&f);
}

static void
test_tables(void)
{
    struct fixture f = {0};

    fixture_open(&f, NULL);
    fixture_do(&f, "CreateHub", fixture_record("HubName_str=ONE", NULL), PE_OK);
    g_autoptr(record_t) sessions =
        fixture_call(&f, "EnumSession", fixture_record("HubName_str=ONE", NULL), PE_OK);
    g_assert_true(record_has(sessions, "SessionList"));
    fixture_do(&f, "GetSessionStatus", user_call(NULL), PE_NOT_FOUND);
    fixture_do(&f, "DeleteSession", user_call(NULL), PE_NOT_FOUND);
    fixture_do(&f, "EnumMacTable", fixture_record("HubName_str=ONE", NULL), PE_OK);
    fixture_do(&f, "DeleteMacTable", fixture_record("HubName_str=ONE", "Key_u32=3", NULL),
               PE_NOT_FOUND);
    fixture_do(&f, "EnumSession", fixture_record("HubName_str=NONE", NULL), PE_HUB_NOT_FOUND);
    fixture_close(&f);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rpc/server/every-method-has-a-handler", test_every_method_has_a_handler);
    g_test_add_func("/rpc/server/rights", test_rights);
    g_test_add_func("/rpc/server/hubs", test_hubs);
    g_test_add_func("/rpc/server/users", test_users);
    g_test_add_func("/rpc/server/groups", test_groups);
    g_test_add_func("/rpc/server/message", test_message);
    g_test_add_func("/rpc/server/admin-options", test_admin_options);
    g_test_add_func("/rpc/server/certificates", test_certificates);
    g_test_add_func("/rpc/server/listeners", test_listeners);
    g_test_add_func("/rpc/server/server", test_server);
    g_test_add_func("/rpc/server/bridges", test_bridges);
    g_test_add_func("/rpc/server/tables", test_tables);
    return g_test_run();
}
