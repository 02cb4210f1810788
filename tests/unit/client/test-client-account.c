/* SPDX-License-Identifier: Apache-2.0 */
/* test-client-account.c - fields in and out, and accounts in files: sealed, damaged, moved. */
#include "apps/client/account_store.h"
#include "core/base/error.h"
#include "core/crypto/cert.h"
#include "core/crypto/sha0.h"

#include <glib.h>
#include <glib/gstdio.h>

#include <string.h>
#include <sys/stat.h>

/* ---- support ---- */

static void
remove_tree(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *child = g_build_filename(path, name, NULL);
        remove_tree(child);
    }
    (void)g_remove(path);
}

static char *
make_folder(void)
{
    char *path = g_dir_make_tmp("polyether-test-XXXXXX", NULL);
    g_assert_nonnull(path);
    return path;
}

static struct account *
build(json_t *fields)
{
    g_autoptr(GError) error = NULL;
    struct account *a = account_new();

    g_assert_true(account_apply(a, fields, &error));
    g_assert_no_error(error);
    json_decref(fields);
    return a;
}

static json_t *
basic(const char *name)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "name", name, "server", "vpn.example", "hub",
                     "LAB", "user", "anna", "login", "password", "password", "secret-word");
}

static struct account_store *
open_store(const char *folder)
{
    g_autoptr(GError) error = NULL;
    struct account_store *s = account_store_open(folder, &error);

    g_assert_no_error(error);
    g_assert_nonnull(s);
    return s;
}

static void
put(struct account_store *s, struct account *a)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(account_store_put(s, a, &error));
    g_assert_no_error(error);
}

static char *
file_of(const char *folder, const char *id)
{
    g_autofree char *name = g_strconcat(id, ".json", NULL);
    return g_build_filename(folder, "accounts", name, NULL);
}

/* ---- fields ---- */

static void
test_defaults(void)
{
    struct account *a = build(basic("office"));
    json_t *o = account_to_json(a);

    g_assert_true(account_check(a, NULL));
    g_assert_cmpstr(json_string_value(json_object_get(o, "server")), ==, "vpn.example:443");
    g_assert_cmpstr(json_string_value(json_object_get(o, "address")), ==, "dhcp");
    g_assert_cmpstr(json_string_value(json_object_get(o, "trust")), ==, "ask");
    g_assert_cmpstr(json_string_value(json_object_get(o, "proxy")), ==, "none");
    g_assert_true(json_is_true(json_object_get(o, "has_password")));
    g_assert_true(json_is_true(json_object_get(o, "super_frames")));
    json_decref(o);
    account_free(a);
}

/* What comes out goes in again, and is the same. */
static void
test_round_trip(void)
{
    json_t *fields = basic("office");
    json_t *more = json_pack(
        "{s:s, s:i, s:b, s:b, s:b, s:b, s:b, s:b, s:s, s:s, s:s, s:s, s:[s,s], s:i, s:s, s:s}",
        "server", "[2001:db8::1]:992", "connections", 8, "half_duplex", 1, "compress", 1,
        "super_frames", 0, "all_traffic", 1, "accept_routes", 1, "startup", 1, "proxy",
        "socks5://p@proxy:1080", "adapter", "pe7", "address", "10.0.0.5/24", "gateway", "10.0.0.1",
        "routes", "10.1.0.0/16", "2001:db8::/32", "mark", 17, "trust",
        "sha256:"
        "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:"
        "10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F",
        "ca_file", "/etc/ca.pem");
    json_object_update(fields, more);
    json_decref(more);
    struct account *a = build(fields);
    json_t *out = account_to_json(a);
    g_assert_true(account_check(a, NULL));

    json_t *in = json_deep_copy(out);
    json_object_del(in, "has_password");
    json_object_del(in, "has_key");
    json_object_del(in, "has_proxy_password");
    struct account *b = build(in);
    json_object_set_new(out, "has_password", json_false());
    json_t *again = account_to_json(b);
    g_assert_true(json_equal(out, again));
    json_decref(out);
    json_decref(again);
    account_free(a);
    account_free(b);
}

static const struct {
    const char *field, *value; /* JSON */
} bad_fields[] = {
    {"unknown", "1"},
    {"name", "\"a/b\""},
    {"name", "7"},
    {"server", "\"a b\""},
    {"server", "\"\""},
    {"hub", "\"LAB\\u0000X\""},
    {"hub", "\"LAB\\nX\""},
    {"user", "true"},
    {"login", "\"magic\""},
    {"cert", "\"no certificate\""},
    {"key", "\"no key\""},
    {"connections", "0"},
    {"connections", "33"},
    {"connections", "1.5"},
    {"connections", "\"1\""},
    {"compress", "1"},
    {"proxy", "\"ftp://x\""},
    {"adapter", "\"a/b\""},
    {"address", "\"10.0.0.5\""},
    {"gateway", "\"2001:db8::1\""},
    {"routes", "\"10.0.0.0/8\""},
    {"routes", "[\"10.0.0.1/8\"]"},
    {"routes", "[7]"},
    {"mark", "0"},
    {"mark", "4294967296"},
    {"trust", "\"sha256:00\""},
    {"trust", "\"everybody\""},
    {"ca_file", "\"relative.pem\""},
};

static void
test_bad_fields(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(bad_fields); i++) {
        g_autoptr(GError) error = NULL;
        struct account *a = build(basic("office"));
        json_t *o = json_object();
        json_object_set_new(
            o, bad_fields[i].field,
            json_loads(bad_fields[i].value, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL));
        g_assert_false(account_apply(a, o, &error));
        g_assert_nonnull(error);
        g_assert_nonnull(strstr(error->message, bad_fields[i].field));
        json_decref(o);
        account_free(a);
    }
}

static void
test_too_many_routes(void)
{
    struct account *a = build(basic("office"));
    json_t *list = json_array();

    for (unsigned i = 0; i <= ACCOUNT_ROUTES; i++)
        json_array_append_new(list, json_sprintf("10.%u.%u.0/24", i / 256, i % 256));
    json_t *o = json_pack("{s:o}", "routes", list);
    g_assert_false(account_apply(a, o, NULL));
    json_array_remove(list, 0);
    g_assert_true(account_apply(a, o, NULL));
    json_decref(o);
    account_free(a);
}

static const struct {
    const char *fields; /* JSON, over the basic ones */
    const char *word;   /* in the complaint */
} incomplete[] = {
    {"{\"user\": \"berta\"}", "password"}, /* the hash was made with the other name */
    {"{\"login\": \"plain\"}", "password"},
    {"{\"login\": \"cert\"}", "certificate"},
    {"{\"hub\": \"\"}", "hub"},
    {"{\"user\": \"\"}", "user"},
    {"{\"half_duplex\": true}", "half-duplex"},
    {"{\"address\": \"none\", \"all_traffic\": true}", "all traffic"},
    {"{\"gateway\": \"10.0.0.1\"}", "gateway"},
    {"{\"address\": \"10.0.0.5/24\", \"gateway\": \"10.0.1.1\"}", "gateway"},
};

static void
test_incomplete(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(incomplete); i++) {
        g_autoptr(GError) error = NULL;
        struct account *a = build(basic("office"));
        json_t *o = json_loads(incomplete[i].fields, 0, NULL);
        g_assert_true(account_apply(a, o, NULL));
        g_assert_false(account_check(a, &error));
        g_assert_error(error, PE_ERROR, PE_INVALID_PARAMETER);
        g_assert_nonnull(strstr(error->message, incomplete[i].word));
        json_decref(o);
        account_free(a);
    }
}

static void
test_mac(void)
{
    struct account *a = build(basic("office")), *b = build(basic("office"));
    uint8_t one[6], same[6], other[6];

    account_mac(a, one);
    account_mac(a, same);
    account_mac(b, other);
    g_assert_cmpmem(one, 6, same, 6);
    g_assert_cmpint(memcmp(one, other, 6), !=, 0);
    g_assert_cmpuint(one[0] & 3, ==, 2);
    account_free(a);
    account_free(b);
}

static void
test_config(void)
{
    struct account *a = build(basic("office"));
    struct sevpn_client_config c;
    uint8_t hash[20];

    sevpn_user_hash("anna", "secret-word", hash);
    g_assert_true(account_to_config(a, &c, NULL));
    g_assert_cmpint(c.credential, ==, SEVPN_CRED_HASH);
    g_assert_cmpmem(c.user_hash, 20, hash, 20);
    g_assert_cmpint(c.trust, ==, SEVPN_TRUST_SYSTEM);
    g_assert_cmpuint(c.dial.mark, ==, ACCOUNT_MARK);
    sevpn_client_config_clear(&c);
    account_free(a);
}

/* ---- files ---- */

static void
test_store(void)
{
    g_autofree char *folder = make_folder();
    struct account_store *s = open_store(folder);
    json_t *plain = basic("radius");
    json_object_set_new(plain, "login", json_string("plain"));
    json_object_set_new(plain, "proxy", json_string("http://p@proxy:1"));
    json_object_set_new(plain, "proxy_password", json_string("proxy-word"));
    struct account *a = build(basic("office")), *b = build(plain);
    g_autofree char *id = g_strdup(a->id);
    g_autofree char *id_b = g_strdup(b->id);
    uint8_t machine[20], hash[20];

    put(s, a);
    put(s, b);
    memcpy(hash, a->user_hash, sizeof hash);
    memcpy(machine, account_store_machine(s), sizeof machine);
    account_store_free(s);

    /* Nothing secret lies there in the open, and nobody else may read. */
    g_autofree char *file = file_of(folder, id_b);
    g_autofree char *text = NULL;
    struct stat st;
    g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
    g_assert_null(strstr(text, "secret-word"));
    g_assert_null(strstr(text, "proxy-word"));
    g_assert_cmpint(stat(file, &st), ==, 0);
    g_assert_cmpuint(st.st_mode & 0777, ==, 0600);

    s = open_store(folder);
    g_autoptr(GPtrArray) all = account_store_all(s);
    g_assert_cmpuint(all->len, ==, 2);
    const struct account *found = account_store_get(s, "office");
    g_assert_cmpstr(found->id, ==, id);
    g_assert_true(found->has_password);
    g_assert_cmpmem(found->user_hash, 20, hash, 20);
    found = account_store_get(s, "radius");
    g_assert_cmpstr(secret_str(found->password), ==, "secret-word");
    g_assert_cmpstr(secret_str(found->proxy_password), ==, "proxy-word");
    g_assert_cmpmem(account_store_machine(s), 20, machine, 20);
    account_store_free(s);
    remove_tree(folder);
}

static void
test_store_cert(void)
{
    g_autofree char *folder = make_folder();
    struct account_store *s = open_store(folder);
    X509 *cert;
    EVP_PKEY *key;
    g_assert_true(cert_make_self_signed("anna", 1, &cert, &key, NULL));
    g_autofree char *cert_pem = cert_to_pem(cert);
    char *key_pem = cert_key_to_pem(key);
    json_t *fields = basic("card");
    json_object_set_new(fields, "login", json_string("cert"));
    json_object_set_new(fields, "cert", json_string(cert_pem));
    json_object_set_new(fields, "key", json_string(key_pem));
    struct account *a = build(fields);
    struct sevpn_client_config c;

    put(s, a);
    account_store_free(s);
    s = open_store(folder);
    const struct account *found = account_store_get(s, "card");
    g_assert_nonnull(found);
    g_assert_true(account_to_config(found, &c, NULL));
    g_assert_cmpint(c.credential, ==, SEVPN_CRED_CERT);
    g_assert_nonnull(c.cert_der);
    g_assert_nonnull(c.key);
    sevpn_client_config_clear(&c);
    account_store_free(s);
    remove_tree(folder);
    secret_free_str(key_pem);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void
test_store_names(void)
{
    g_autofree char *folder = make_folder();
    struct account_store *s = open_store(folder);
    g_autoptr(GError) error = NULL;

    put(s, build(basic("office")));
    struct account *twin = build(basic("office"));
    g_assert_false(account_store_put(s, twin, &error));
    g_assert_error(error, PE_ERROR, PE_ACCOUNT_EXISTS);
    account_free(twin);
    g_clear_error(&error);

    struct account *renamed = account_copy(account_store_get(s, "office"));
    g_free(renamed->name);
    renamed->name = g_strdup("home");
    put(s, renamed);
    g_assert_null(account_store_get(s, "office"));
    g_assert_nonnull(account_store_get(s, "home"));

    g_assert_false(account_store_delete(s, "office", &error));
    g_assert_error(error, PE_ERROR, PE_ACCOUNT_NOT_FOUND);
    g_assert_true(account_store_delete(s, "home", NULL));
    account_store_free(s);
    s = open_store(folder);
    g_autoptr(GPtrArray) all = account_store_all(s);
    g_assert_cmpuint(all->len, ==, 0);
    account_store_free(s);
    remove_tree(folder);
}

/* Text put in place of another in an account's file, all at once. */
static void
edit(const char *folder, const char *id, const char *from, const char *to)
{
    g_autofree char *file = file_of(folder, id);
    g_autofree char *text = NULL;

    g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
    g_auto(GStrv) parts = g_strsplit(text, from, -1);
    g_assert_cmpuint(g_strv_length(parts), >, 1);
    g_autofree char *changed = g_strjoinv(to, parts);
    g_assert_true(g_file_set_contents(file, changed, -1, NULL));
}

/* What was damaged by hand is left out and left alone; the other account works. */
static void
test_damaged(gconstpointer data)
{
    const char *const *change = data;
    g_autofree char *folder = make_folder();
    struct account_store *s = open_store(folder);
    struct account *a = build(basic("office"));
    g_autofree char *id = g_strdup(a->id);

    put(s, a);
    put(s, build(basic("home")));
    account_store_free(s);
    edit(folder, id, change[0], change[1]);

    g_autofree char *file = file_of(folder, id);
    g_autofree char *before = NULL, *after = NULL;
    g_assert_true(g_file_get_contents(file, &before, NULL, NULL));
    s = open_store(folder);
    g_assert_null(account_store_get(s, "office"));
    g_assert_nonnull(account_store_get(s, "home"));
    account_store_free(s);
    g_assert_true(g_file_get_contents(file, &after, NULL, NULL));
    g_assert_cmpstr(before, ==, after);
    remove_tree(folder);
}

static const char *const damages[][2] = {
    {"{", ""},
    {"\"account\"", "\"acount\""},
    {"\"format\": 1", "\"format\": 2"},
    {"\"hub\": \"LAB\"", "\"hub\": \"\""},
    {"\"hub\": \"LAB\"", "\"hub\": 7"},
    {"\"hub\": \"LAB\"", "\"bub\": \"LAB\""},
    {"\"hub\": \"LAB\"", "\"hub\": \"LAB\", \"hub\": \"LAB\""},
    {"\"user_hash\": \"", "\"user_hash\": \"AAAA"},
    {"\"user_hash\": \"", "\"password\": \""}, /* moved to another field */
    {"\"user_hash\": \"", "\"other\": \""},
};

/* A file under another account's id does not open: its secrets are bound to the id. */
static void
test_moved_file(void)
{
    g_autofree char *folder = make_folder();
    struct account_store *s = open_store(folder);
    struct account *a = build(basic("office"));
    g_autofree char *old = file_of(folder, a->id);
    g_autofree char *moved = file_of(folder, "0123456789abcdef");
    g_autofree char *foreign = g_build_filename(folder, "accounts", "notes.json", NULL);

    put(s, a);
    account_store_free(s);
    g_assert_cmpint(g_rename(old, moved), ==, 0);
    g_assert_true(g_file_set_contents(foreign, "{}", -1, NULL)); /* not ours: not looked at */
    s = open_store(folder);
    g_autoptr(GPtrArray) all = account_store_all(s);
    g_assert_cmpuint(all->len, ==, 0);
    account_store_free(s);
    remove_tree(folder);
}

/* Accounts without their key would lose their secrets silently: that is an error. */
static void
test_lost_key(void)
{
    g_autofree char *folder = make_folder();
    struct account_store *s = open_store(folder);
    g_autofree char *key = g_build_filename(folder, "client.key", NULL);

    put(s, build(basic("office")));
    account_store_free(s);
    g_assert_cmpint(g_remove(key), ==, 0);
    g_autoptr(GError) error = NULL;
    g_assert_null(account_store_open(folder, &error));
    g_assert_nonnull(error);
    remove_tree(folder);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/client-account/defaults", test_defaults);
    g_test_add_func("/client-account/round-trip", test_round_trip);
    g_test_add_func("/client-account/bad-fields", test_bad_fields);
    g_test_add_func("/client-account/too-many-routes", test_too_many_routes);
    g_test_add_func("/client-account/incomplete", test_incomplete);
    g_test_add_func("/client-account/mac", test_mac);
    g_test_add_func("/client-account/config", test_config);
    g_test_add_func("/client-account/store", test_store);
    g_test_add_func("/client-account/store-cert", test_store_cert);
    g_test_add_func("/client-account/store-names", test_store_names);
    for (size_t i = 0; i < G_N_ELEMENTS(damages); i++) {
        g_autofree char *path = g_strdup_printf("/client-account/damaged/%zu", i);
        g_test_add_data_func(path, damages[i], test_damaged);
    }
    g_test_add_func("/client-account/moved-file", test_moved_file);
    g_test_add_func("/client-account/lost-key", test_lost_key);
    return g_test_run();
}
