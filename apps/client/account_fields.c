/* SPDX-License-Identifier: Apache-2.0 */
/* account_fields.c - one table of an account's fields: how each is set from JSON and shown as JSON.
 *
 * The order of the table is the order in which fields are set: a password is hashed with the user's
 * name, so both the name and the kind of login come before it.
 */
#include "apps/client/account.h"
#include "core/base/error.h"
#include "core/crypto/cert.h"
#include "core/crypto/sha0.h"

#include <string.h>

struct field {
    const char *name;
    bool (*set)(struct account *a, const json_t *v, GError **error);
    json_t *(*get)(const struct account *a); /* NULL: a secret */
};

/* ---- values ---- */

static bool
refuse(GError **error, const char *why)
{
    g_set_error_literal(error, PE_ERROR, PE_INVALID_PARAMETER, why);
    return false;
}

/* The text of a value, or NULL and error. Control characters are in no field but PEM. */
static const char *
text_of(const json_t *v, size_t max, bool pem, GError **error)
{
    const char *text = json_string_value(v);

    if (!text || json_string_length(v) != strlen(text)) {
        (void)refuse(error, "is not text");
        return NULL;
    }
    if (strlen(text) > max) {
        (void)refuse(error, "is too long");
        return NULL;
    }
    for (const char *c = text; *c && !pem; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            (void)refuse(error, "has control characters in it");
            return NULL;
        }
    }
    return text;
}

static bool
set_text(char **to, const json_t *v, GError **error)
{
    const char *text = text_of(v, ACCOUNT_TEXT_MAX, false, error);

    if (!text)
        return false;
    g_free(*to);
    *to = g_strdup(text);
    return true;
}

static bool
set_secret(struct secret **to, const json_t *v, size_t max, bool pem, GError **error)
{
    const char *text = text_of(v, max, pem, error);

    if (!text)
        return false;
    secret_free(*to);
    *to = *text ? secret_text(text) : NULL;
    return true;
}

static bool
set_bool(bool *to, const json_t *v, GError **error)
{
    if (!json_is_boolean(v))
        return refuse(error, "is not true or false");
    *to = json_is_true(v);
    return true;
}

/* ---- who and where ---- */

/* What was known about the login does not hold any more. */
static void
forget_login(struct account *a)
{
    a->has_worked = false;
}

static void
forget_password(struct account *a)
{
    forget_login(a);
    a->has_password = false;
    secret_wipe(a->user_hash, sizeof a->user_hash);
    g_clear_pointer(&a->password, secret_free);
}

static bool
set_name(struct account *a, const json_t *v, GError **error)
{
    const char *text = text_of(v, ACCOUNT_TEXT_MAX, false, error);

    if (!text || !parse_account_name(text, error))
        return false;
    g_free(a->name);
    a->name = g_strdup(text);
    return true;
}

static json_t *
get_name(const struct account *a)
{
    return json_string(a->name);
}

static bool
set_server(struct account *a, const json_t *v, GError **error)
{
    const char *text = text_of(v, ACCOUNT_TEXT_MAX, false, error);
    char *host;
    uint16_t port;

    if (!text || !parse_server(text, &host, &port, error))
        return false;
    if (strcmp(host, a->host) != 0 || port != a->port)
        forget_login(a);
    g_free(a->host);
    a->host = host;
    a->port = port;
    return true;
}

static json_t *
get_server(const struct account *a)
{
    g_autofree char *text = parse_server_print(a->host, a->port);
    return json_string(text);
}

static bool
set_hub(struct account *a, const json_t *v, GError **error)
{
    forget_login(a);
    return set_text(&a->hub, v, error);
}

static json_t *
get_hub(const struct account *a)
{
    return json_string(a->hub);
}

static bool
set_user(struct account *a, const json_t *v, GError **error)
{
    g_autofree char *old = g_strdup(a->user);

    if (!set_text(&a->user, v, error))
        return false;
    if (strcmp(old, a->user) != 0)
        forget_password(a);
    return true;
}

static json_t *
get_user(const struct account *a)
{
    return json_string(a->user);
}

static const char *const login_names[] = {[ACCOUNT_PASSWORD] = "password",
                                          [ACCOUNT_PLAIN] = "plain",
                                          [ACCOUNT_ANONYMOUS] = "anonymous",
                                          [ACCOUNT_CERT] = "cert"};

static bool
set_login(struct account *a, const json_t *v, GError **error)
{
    const char *text = text_of(v, ACCOUNT_TEXT_MAX, false, error);

    for (unsigned i = 0; text && i < G_N_ELEMENTS(login_names); i++) {
        if (strcmp(text, login_names[i]) != 0)
            continue;
        if (a->login != i)
            forget_password(a);
        a->login = (enum account_login)i;
        return true;
    }
    return text ? refuse(error, "is not password, plain, anonymous or cert") : false;
}

static json_t *
get_login(const struct account *a)
{
    return json_string(login_names[a->login]);
}

static bool
set_password(struct account *a, const json_t *v, GError **error)
{
    const char *text = text_of(v, ACCOUNT_TEXT_MAX, false, error);

    if (!text)
        return false;
    forget_password(a);
    if (a->login == ACCOUNT_PLAIN)
        a->password = secret_text(text);
    else
        sevpn_user_hash(a->user, text, a->user_hash);
    a->has_password = true;
    return true;
}

static bool
set_cert(struct account *a, const json_t *v, GError **error)
{
    const char *text = text_of(v, ACCOUNT_PEM_MAX, true, error);
    X509 *cert = text ? cert_from_pem(text, error) : NULL;

    if (!cert)
        return false;
    X509_free(cert);
    forget_login(a);
    g_free(a->cert_pem);
    a->cert_pem = g_strdup(text);
    return true;
}

static json_t *
get_cert(const struct account *a)
{
    return a->cert_pem ? json_string(a->cert_pem) : json_null();
}

static bool
set_key(struct account *a, const json_t *v, GError **error)
{
    const char *text = text_of(v, ACCOUNT_PEM_MAX, true, error);
    EVP_PKEY *key = text ? cert_key_from_pem(text, error) : NULL;

    if (!key)
        return false;
    EVP_PKEY_free(key);
    forget_login(a);
    return set_secret(&a->key_pem, v, ACCOUNT_PEM_MAX, true, error);
}

/* ---- how ---- */

static bool
set_connections(struct account *a, const json_t *v, GError **error)
{
    json_int_t n = json_integer_value(v);

    if (!json_is_integer(v) || n < 1 || n > ACCOUNT_CONNECTIONS)
        return refuse(error, "is not a number from 1 to 32");
    a->connections = (unsigned)n;
    return true;
}

static json_t *
get_connections(const struct account *a)
{
    return json_integer((json_int_t)a->connections);
}

/* A field that is a bool and no more. */
#define BOOL_FIELD(name)                                                       \
    static bool set_##name(struct account *a, const json_t *v, GError **error) \
    {                                                                          \
        return set_bool(&a->name, v, error);                                   \
    }                                                                          \
    static json_t *get_##name(const struct account *a)                         \
    {                                                                          \
        return json_boolean(a->name);                                          \
    }
BOOL_FIELD(half_duplex)
BOOL_FIELD(compress)
BOOL_FIELD(super_frames)
BOOL_FIELD(all_traffic)
BOOL_FIELD(accept_routes)
BOOL_FIELD(startup)

static bool
set_proxy(struct account *a, const json_t *v, GError **error)
{
    const char *text = text_of(v, 2 * ACCOUNT_TEXT_MAX, false, error);
    struct parse_proxy p;

    if (!text || !parse_proxy(text, &p, error))
        return false;
    parse_proxy_clear(&a->proxy);
    a->proxy = p;
    return true;
}

static json_t *
get_proxy(const struct account *a)
{
    g_autofree char *text = parse_proxy_print(&a->proxy);
    return json_string(text);
}

static bool
set_proxy_password(struct account *a, const json_t *v, GError **error)
{
    return set_secret(&a->proxy_password, v, ACCOUNT_TEXT_MAX, false, error);
}

/* ---- the adapter ---- */

static bool
set_adapter(struct account *a, const json_t *v, GError **error)
{
    const char *text = text_of(v, ACCOUNT_TEXT_MAX, false, error);

    return text && parse_adapter(text, error) && set_text(&a->adapter, v, error);
}

static json_t *
get_adapter(const struct account *a)
{
    return json_string(a->adapter);
}

static bool
set_address(struct account *a, const json_t *v, GError **error)
{
    const char *text = text_of(v, ACCOUNT_TEXT_MAX, false, error);

    return text && parse_address(text, &a->address_mode, &a->address, error);
}

static json_t *
get_address(const struct account *a)
{
    char text[PREFIX_TEXT];

    if (a->address_mode == ADDRESS_STATIC)
        return json_string(ip_prefix_print(&a->address, text));
    return json_string(a->address_mode == ADDRESS_DHCP ? "dhcp" : "none");
}

static bool
set_gateway(struct account *a, const json_t *v, GError **error)
{
    const char *text = text_of(v, ACCOUNT_TEXT_MAX, false, error);
    struct ip ip = {0};

    if (!text)
        return false;
    if (*text && (!ip_parse(text, &ip) || ip.family != 4))
        return refuse(error, "is not an IPv4 address");
    a->gateway = ip;
    return true;
}

static json_t *
get_gateway(const struct account *a)
{
    char text[IP_TEXT];
    return json_string(a->gateway.family ? ip_print(&a->gateway, text) : "");
}

static bool
set_routes(struct account *a, const json_t *v, GError **error)
{
    g_autoptr(GArray) routes = g_array_new(FALSE, TRUE, sizeof(struct ip_prefix));
    const json_t *item;
    size_t i;

    if (!json_is_array(v) || json_array_size(v) > ACCOUNT_ROUTES)
        return refuse(error, "is not a list of at most 256 prefixes");
    json_array_foreach(v, i, item)
    {
        const char *text = text_of(item, ACCOUNT_TEXT_MAX, false, error);
        struct ip_prefix p;
        if (!text || !parse_route(text, &p, error))
            return false;
        g_array_append_val(routes, p);
    }
    g_array_unref(a->routes);
    a->routes = g_steal_pointer(&routes);
    return true;
}

static json_t *
get_routes(const struct account *a)
{
    json_t *list = json_array();
    char text[PREFIX_TEXT];

    for (guint i = 0; i < a->routes->len; i++) {
        const struct ip_prefix *p = &g_array_index(a->routes, struct ip_prefix, i);
        json_array_append_new(list, json_string(ip_prefix_print(p, text)));
    }
    return list;
}

static bool
set_mark(struct account *a, const json_t *v, GError **error)
{
    json_int_t n = json_integer_value(v);

    if (!json_is_integer(v) || n < 1 || n > 0xffffffffLL)
        return refuse(error, "is not a number from 1 to 4294967295");
    a->mark = (uint32_t)n;
    return true;
}

static json_t *
get_mark(const struct account *a)
{
    return json_integer((json_int_t)a->mark);
}

/* ---- trust ---- */

static bool
set_trust(struct account *a, const json_t *v, GError **error)
{
    const char *text = text_of(v, ACCOUNT_TEXT_MAX, false, error);

    if (!text)
        return false;
    if (g_str_has_prefix(text, "sha256:") && cert_fingerprint_parse(text + 7, a->pin)) {
        a->trust = ACCOUNT_TRUST_PIN;
        return true;
    }
    if (strcmp(text, "ask") != 0 && strcmp(text, "system") != 0)
        return refuse(error, "is not ask, system or sha256:FINGERPRINT");
    a->trust = text[0] == 'a' ? ACCOUNT_TRUST_ASK : ACCOUNT_TRUST_SYSTEM;
    memset(a->pin, 0, sizeof a->pin);
    return true;
}

static json_t *
get_trust(const struct account *a)
{
    char fingerprint[CERT_FINGERPRINT_TEXT];

    if (a->trust != ACCOUNT_TRUST_PIN)
        return json_string(a->trust == ACCOUNT_TRUST_ASK ? "ask" : "system");
    return json_sprintf("sha256:%s", cert_fingerprint_print(a->pin, fingerprint));
}

static bool
set_ca_file(struct account *a, const json_t *v, GError **error)
{
    const char *text = text_of(v, 4096, false, error);

    if (!text)
        return false;
    if (*text && !g_path_is_absolute(text))
        return refuse(error, "is not a whole path");
    g_free(a->ca_file);
    a->ca_file = *text ? g_strdup(text) : NULL;
    return true;
}

static json_t *
get_ca_file(const struct account *a)
{
    return json_string(a->ca_file ? a->ca_file : "");
}

/* clang-format off */
static const struct field fields[] = {
    {"name",           set_name,           get_name},
    {"server",         set_server,         get_server},
    {"hub",            set_hub,            get_hub},
    {"user",           set_user,           get_user},
    {"login",          set_login,          get_login},
    {"password",       set_password,       NULL},
    {"cert",           set_cert,           get_cert},
    {"key",            set_key,            NULL},
    {"connections",    set_connections,    get_connections},
    {"half_duplex",    set_half_duplex,    get_half_duplex},
    {"compress",       set_compress,       get_compress},
    {"super_frames",   set_super_frames,   get_super_frames},
    {"proxy",          set_proxy,          get_proxy},
    {"proxy_password", set_proxy_password, NULL},
    {"adapter",        set_adapter,        get_adapter},
    {"address",        set_address,        get_address},
    {"gateway",        set_gateway,        get_gateway},
    {"routes",         set_routes,         get_routes},
    {"all_traffic",    set_all_traffic,    get_all_traffic},
    {"accept_routes",  set_accept_routes,  get_accept_routes},
    {"startup",        set_startup,        get_startup},
    {"mark",           set_mark,           get_mark},
    {"trust",          set_trust,          get_trust},
    {"ca_file",        set_ca_file,        get_ca_file},
};
/* clang-format on */

static bool
is_known(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
        if (strcmp(fields[i].name, name) == 0)
            return true;
    }
    return false;
}

bool
account_apply(struct account *a, const json_t *object, GError **error)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        if (!is_known(name)) {
            g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER, "an account has no field '%s'",
                        name);
            return false;
        }
    }
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
        const json_t *v = json_object_get(object, fields[i].name);
        if (v && !json_is_null(v) && !fields[i].set(a, v, error)) {
            g_prefix_error(error, "%s: ", fields[i].name);
            return false;
        }
    }
    return true;
}

json_t *
account_to_json(const struct account *a)
{
    json_t *o = json_object();

    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
        if (fields[i].get)
            json_object_set_new(o, fields[i].name, fields[i].get(a));
    }
    json_object_set_new(o, "has_password", json_boolean(a->has_password));
    json_object_set_new(o, "has_key", json_boolean(a->key_pem != NULL));
    json_object_set_new(o, "has_proxy_password", json_boolean(a->proxy_password != NULL));
    return o;
}
