/* SPDX-License-Identifier: Apache-2.0 */
/* cli_account.c - polyether account add, set, list, show, delete.
 *
 * Options become the fields of account_fields.c; what a field may be is the daemon's to judge.
 * Files (passwords, certificates) are read here, with the rights of whoever calls.
 */
#include "apps/client/cli.h"
#include "apps/client/parse.h"
#include "core/base/secret.h"

#include <glib/gi18n.h>

#include <string.h>

enum { N_TEXTS = 8, N_SWITCHES = 6 };

struct options {
    char *text[N_TEXTS];
    gboolean on[N_SWITCHES], off[N_SWITCHES];
    char **routes, *rename;
    gboolean no_routes, plain, anonymous, password_stdin;
    char *password_file, *proxy_password_file, *cert_file, *key_file;
    gint connections, mark;
};

/* Options whose text is the field's value. */
static const struct {
    const char *option, *field, *help, *arg;
} texts[N_TEXTS] = {
    {"server", "server", N_("The server (port 443 if not given)"), N_("HOST[:PORT]")},
    {"hub", "hub", N_("The virtual hub"), N_("HUB")},
    {"user", "user", N_("The user"), N_("USER")},
    {"proxy", "proxy", N_("none, or http://, socks4://, socks5://[USER@]HOST:PORT"), N_("URL")},
    {"adapter", "adapter", N_("The virtual adapter (default: pe0, pe1 ...)"), N_("NAME")},
    {"address", "address", N_("dhcp (default), none, or an address"), N_("A.B.C.D/LEN")},
    {"gateway", "gateway", N_("The router behind the tunnel, with an address"), N_("A.B.C.D")},
    {"trust", "trust", N_("ask (default), system, or sha256:FINGERPRINT"), N_("WHOM")},
};

/* Switches: --NAME and --no-NAME. */
static const struct {
    const char *option, *no_option, *field, *help, *no_help;
} switches[N_SWITCHES] = {
    {"half-duplex", "no-half-duplex", "half_duplex", N_("Each connection carries one direction"),
     N_("Undo --half-duplex")},
    {"compress", "no-compress", "compress", N_("Compress"), N_("Undo --compress")},
    {"super-frames", "no-super-frames", "super_frames", N_("Undo --no-super-frames"),
     N_("Frames no larger than the network's, also to servers of our kind")},
    {"all-traffic", "no-all-traffic", "all_traffic", N_("All traffic goes through the tunnel"),
     N_("Undo --all-traffic")},
    {"accept-routes", "no-accept-routes", "accept_routes",
     N_("Take routes that the network behind the tunnel offers"), N_("Undo --accept-routes")},
    {"startup", "no-startup", "startup", N_("Connect when the service starts"),
     N_("Undo --startup")},
};

static void
options_clear(struct options *o)
{
    for (size_t i = 0; i < N_TEXTS; i++)
        g_free(o->text[i]);
    g_strfreev(o->routes);
    g_free(o->rename);
    g_free(o->password_file);
    g_free(o->proxy_password_file);
    g_free(o->cert_file);
    g_free(o->key_file);
}

static GArray *
option_entries(struct options *o, char **ca_file)
{
    const GOptionEntry others[] = {
        {"rename", 0, 0, G_OPTION_ARG_STRING, &o->rename, N_("A new name (set only)"), N_("NAME")},
        {"password-stdin", 0, 0, G_OPTION_ARG_NONE, &o->password_stdin,
         N_("The password is the first line of the standard input"), NULL},
        {"password-file", 0, 0, G_OPTION_ARG_FILENAME, &o->password_file,
         N_("The password is the first line of a file"), N_("FILE")},
        {"plain-password", 0, 0, G_OPTION_ARG_NONE, &o->plain,
         N_("The server needs the password itself (RADIUS and the like)"), NULL},
        {"anonymous", 0, 0, G_OPTION_ARG_NONE, &o->anonymous, N_("No password"), NULL},
        {"cert", 0, 0, G_OPTION_ARG_FILENAME, &o->cert_file,
         N_("Log in by certificate (PEM), with --key"), N_("FILE")},
        {"key", 0, 0, G_OPTION_ARG_FILENAME, &o->key_file, N_("Its private key (PEM)"), N_("FILE")},
        {"connections", 0, 0, G_OPTION_ARG_INT, &o->connections, N_("TCP connections, 1 to 32"),
         N_("N")},
        {"proxy-password-file", 0, 0, G_OPTION_ARG_FILENAME, &o->proxy_password_file,
         N_("The proxy's password is the first line of a file"), N_("FILE")},
        {"route", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->routes,
         N_("A network behind the tunnel (repeat for more)"), N_("PREFIX")},
        {"no-routes", 0, 0, G_OPTION_ARG_NONE, &o->no_routes, N_("Undo --route"), NULL},
        {"ca", 0, 0, G_OPTION_ARG_FILENAME, ca_file,
         N_("Authorities to trust in place of the system's (PEM)"), N_("FILE")},
        {"mark", 0, 0, G_OPTION_ARG_INT, &o->mark,
         N_("Routing mark of the tunnel's own packets (default: 28773)"), N_("N")},
    };
    GArray *entries = g_array_new(TRUE, TRUE, sizeof(GOptionEntry));

    for (size_t i = 0; i < N_TEXTS; i++) {
        GOptionEntry e = {.long_name = texts[i].option,
                          .arg = G_OPTION_ARG_STRING,
                          .arg_data = &o->text[i],
                          .description = texts[i].help,
                          .arg_description = texts[i].arg};
        g_array_append_val(entries, e);
    }
    for (size_t i = 0; i < N_SWITCHES; i++) {
        GOptionEntry on = {.long_name = switches[i].option,
                           .arg = G_OPTION_ARG_NONE,
                           .arg_data = &o->on[i],
                           .description = switches[i].help};
        GOptionEntry off = {.long_name = switches[i].no_option,
                            .arg = G_OPTION_ARG_NONE,
                            .arg_data = &o->off[i],
                            .description = switches[i].no_help};
        g_array_append_val(entries, on);
        g_array_append_val(entries, off);
    }
    g_array_append_vals(entries, others, G_N_ELEMENTS(others));
    return entries;
}

/* ---- options to fields ---- */

static bool
refuse(GError **error, const char *message)
{
    g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, message);
    return false;
}

/* The early complaints: the same words that the daemon would use. */
static bool
check_texts(const struct options *o, GError **error)
{
    g_autofree char *host = NULL;
    uint16_t port;
    struct parse_proxy proxy = {0};
    enum address_mode mode;
    struct ip_prefix prefix;

    bool ok = (!o->text[0] || parse_server(o->text[0], &host, &port, error)) &&
              (!o->text[3] || parse_proxy(o->text[3], &proxy, error)) &&
              (!o->text[4] || parse_adapter(o->text[4], error)) &&
              (!o->text[5] || parse_address(o->text[5], &mode, &prefix, error));
    parse_proxy_clear(&proxy);
    for (char **r = o->routes; ok && r && *r; r++)
        ok = parse_route(*r, &prefix, error);
    for (size_t i = 0; ok && i < N_SWITCHES; i++)
        ok = !(o->on[i] && o->off[i]) ||
             refuse(error, _("an option is given together with its opposite"));
    return ok;
}

static bool
add_file(json_t *fields, const char *field, const char *path, GError **error)
{
    g_autofree char *text = NULL;
    gsize len;

    if (!path)
        return true;
    if (!g_file_get_contents(path, &text, &len, error))
        return false;
    if (!g_utf8_validate(text, (gssize)len, NULL)) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _("%s is not a PEM file"),
                    path);
        return false;
    }
    json_object_set_new(fields, field, json_string(text));
    secret_wipe(text, len);
    return true;
}

static bool
add_first_line(json_t *fields, const char *field, const char *path_or_null, GError **error)
{
    char *line = cli_read_line(path_or_null, error);

    if (!line)
        return false;
    json_t *value = json_string(line);
    secret_free_str(line);
    if (!value)
        return refuse(error, _("the password is not UTF-8"));
    json_object_set_new(fields, field, value);
    return true;
}

static bool
ask_password(json_t *fields, GError **error)
{
    char *password = cli_tty_password(_("Password: "));

    if (!password)
        return refuse(error, _("there is no password: give --password-stdin, --password-file, "
                               "--anonymous or --cert"));
    json_t *value = json_string(password);
    secret_free_str(password);
    if (!value)
        return refuse(error, _("the password is not UTF-8"));
    json_object_set_new(fields, "password", value);
    return true;
}

/* NULL: the account's way stays as it is. */
static const char *
login_of(const struct options *o, bool is_new)
{
    if (o->cert_file || o->key_file)
        return "cert";
    if (o->anonymous)
        return "anonymous";
    if (o->plain)
        return "plain";
    return is_new ? "password" : NULL;
}

static bool
check_login(const struct options *o, bool is_new, GError **error)
{
    unsigned passwords = (o->password_stdin ? 1 : 0) + (o->password_file ? 1 : 0);
    unsigned ways = (o->cert_file || o->key_file ? 1 : 0) + (o->anonymous ? 1 : 0) +
                    (passwords > 0 || o->plain ? 1 : 0);

    if (ways > 1 || passwords > 1)
        return refuse(error, _("there is more than one way to log in"));
    if (is_new && !o->cert_file != !o->key_file)
        return refuse(error, _("--cert and --key belong together"));
    return true;
}

/* Whether a password is to be asked for: a new one, or the old does not fit what is changed. */
static bool
wants_question(const struct options *o, bool is_new)
{
    if (o->cert_file || o->key_file || o->anonymous)
        return false;
    return is_new || ((o->text[2] || o->plain) && cli_tty_is_there());
}

static bool
add_login(const struct options *o, json_t *fields, bool is_new, GError **error)
{
    const char *login = login_of(o, is_new);

    if (!check_login(o, is_new, error))
        return false;
    if (login)
        json_object_set_new(fields, "login", json_string(login));
    if (!add_file(fields, "cert", o->cert_file, error) ||
        !add_file(fields, "key", o->key_file, error))
        return false;
    if (o->password_stdin || o->password_file)
        return add_first_line(fields, "password", o->password_file, error);
    return wants_question(o, is_new) ? ask_password(fields, error) : true;
}

static void
add_routes(const struct options *o, json_t *fields)
{
    json_t *list = json_array();

    for (char **r = o->routes; r && *r; r++)
        json_array_append_new(list, json_string(*r));
    json_object_set_new(fields, "routes", list);
}

static bool
add_fields(const struct options *o, const char *ca_file, json_t *fields, bool is_new,
           GError **error)
{
    if (!check_texts(o, error) || !add_login(o, fields, is_new, error))
        return false;
    for (size_t i = 0; i < N_TEXTS; i++) {
        if (o->text[i])
            json_object_set_new(fields, texts[i].field, json_string(o->text[i]));
    }
    for (size_t i = 0; i < N_SWITCHES; i++) {
        if (o->on[i] || o->off[i])
            json_object_set_new(fields, switches[i].field, json_boolean(o->on[i]));
    }
    if (o->routes || o->no_routes)
        add_routes(o, fields);
    if (o->rename)
        json_object_set_new(fields, "rename", json_string(o->rename));
    if (o->connections != 0)
        json_object_set_new(fields, "connections", json_integer(o->connections));
    if (o->mark != 0)
        json_object_set_new(fields, "mark", json_integer(o->mark));
    if (ca_file) {
        g_autofree char *whole = *ca_file ? g_canonicalize_filename(ca_file, NULL) : g_strdup("");
        json_object_set_new(fields, "ca_file", json_string(whole));
    }
    return !o->proxy_password_file ||
           add_first_line(fields, "proxy_password", o->proxy_password_file, error);
}

static enum cli_exit
write_account(struct cli_global *g, int argc, char **argv, bool is_new)
{
    struct options o = {0};
    g_autofree char *ca_file = NULL;
    g_autoptr(GArray) entries = option_entries(&o, &ca_file);
    g_autoptr(GError) error = NULL;
    enum cli_exit end = CLI_USAGE;
    const char *usage = is_new ? _("NAME - make an account") : _("NAME - change an account");

    if (cli_parse(g, (const GOptionEntry *)(void *)entries->data, usage, &argc, &argv) &&
        cli_want_args(argc, 1, 1)) {
        json_t *fields = json_pack("{s:s}", "name", argv[1]);
        if (!fields) {
            cli_complain(_("the name is not UTF-8"));
        } else if (!add_fields(&o, ca_file, fields, is_new, &error)) {
            cli_complain("%s", error->message);
            json_decref(fields);
        } else {
            end = cli_call_once(g, is_new ? "AccountAdd" : "AccountSet", fields, cli_print_nothing);
        }
    }
    options_clear(&o);
    return end;
}

/* ---- commands ---- */

enum cli_exit
cli_account_add(struct cli_global *g, int argc, char **argv)
{
    return write_account(g, argc, argv, true);
}

enum cli_exit
cli_account_set(struct cli_global *g, int argc, char **argv)
{
    return write_account(g, argc, argv, false);
}

enum cli_exit
cli_account_list(struct cli_global *g, int argc, char **argv)
{
    if (!cli_parse(g, NULL, _("- name all accounts"), &argc, &argv) || !cli_want_args(argc, 0, 0))
        return CLI_USAGE;
    return cli_call_once(g, "AccountList", NULL, cli_print_account_list);
}

enum cli_exit
cli_account_show(struct cli_global *g, int argc, char **argv)
{
    if (!cli_parse(g, NULL, _("NAME - all of an account but its secrets"), &argc, &argv) ||
        !cli_want_args(argc, 1, 1))
        return CLI_USAGE;
    return cli_call_once(g, "AccountGet", json_pack("{s:s}", "name", argv[1]), cli_print_account);
}

enum cli_exit
cli_account_delete(struct cli_global *g, int argc, char **argv)
{
    if (!cli_parse(g, NULL, _("NAME - forget an account"), &argc, &argv) ||
        !cli_want_args(argc, 1, 1))
        return CLI_USAGE;
    return cli_call_once(g, "AccountDelete", json_pack("{s:s}", "name", argv[1]),
                         cli_print_nothing);
}
