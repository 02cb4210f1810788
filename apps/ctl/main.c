/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - options that come before the command, the connection, and the way to the command. */
#include "apps/ctl/ctl.h"
#include "core/base/secret.h"
#include "core/rpc/wire/api_doc.h"
#include "platform/platform.h"

#include <locale.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_PORT = 443 };

struct options {
    const char *state, *socket, *server, *hub, *password_file, *fingerprint, *ca;
    bool json, help, version;
    char **rest; /* noun and all that follows */
};

static const char **
place_of(struct options *o, const char *name)
{
    const struct {
        const char *name;
        const char **place;
    } places[] = {
        {"--state", &o->state},
        {"--socket", &o->socket},
        {"--server", &o->server},
        {"--hub", &o->hub},
        {"--password-file", &o->password_file},
        {"--fingerprint", &o->fingerprint},
        {"--ca", &o->ca},
    };

    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        if (strcmp(places[i].name, name) == 0)
            return places[i].place;
    return NULL;
}

static bool
take_flag(struct options *o, const char *word)
{
    if (strcmp(word, "--json") == 0)
        o->json = true;
    else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        o->help = true;
    else if (strcmp(word, "--version") == 0)
        o->version = true;
    else
        return false;
    return true;
}

static bool
parse_options(char **argv, struct options *o)
{
    char **at = argv;

    for (; *at && (*at)[0] == '-'; at++) {
        if (take_flag(o, *at))
            continue;
        const char *equals = strchr(*at, '=');
        g_autofree char *name = equals ? g_strndup(*at, (gsize)(equals - *at)) : g_strdup(*at);
        const char **place = place_of(o, name);
        if (!place) {
            ctl_complain(_("there is no option %s; see --help"), *at);
            return false;
        }
        *place = equals ? equals + 1 : *++at;
        if (!*place) {
            ctl_complain(_("%s needs a value"), name);
            return false;
        }
    }
    o->rest = at;
    if (o->server && (o->state || o->socket)) {
        ctl_complain(_("a server is either here or at another machine"));
        return false;
    }
    return true;
}

/* What only makers of packages and tests ask for. -1: nothing of that. */
static int
print_made_text(char **argv)
{
    g_autofree char *text = NULL;

    if (!argv[0])
        return -1;
    if (strcmp(argv[0], "--man") == 0)
        text = ctl_man_page();
    else if (strcmp(argv[0], "--api-doc") == 0)
        text = rpc_api_doc();
    else if (strcmp(argv[0], "--completion-script") == 0)
        text = argv[1] ? ctl_completion(argv[1]) : NULL;
    else
        return -1;
    if (!text) {
        ctl_complain(_("scripts are made for bash, zsh and fish"));
        return CTL_USAGE;
    }
    g_print("%s", text);
    return CTL_OK;
}

/* "host", "host:port", "[v6]:port". */
static bool
split_address(const char *text, char **host, uint16_t *port)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GSocketConnectable) address = g_network_address_parse(text, DEFAULT_PORT, &error);

    if (!address) {
        ctl_complain(_("'%s' is not a host with a port"), text);
        return false;
    }
    *host = g_strdup(g_network_address_get_hostname(G_NETWORK_ADDRESS(address)));
    *port = g_network_address_get_port(G_NETWORK_ADDRESS(address));
    return true;
}

static struct rpc_client *
remote_client(const struct options *o)
{
    uint8_t fingerprint[RPC_CLIENT_FINGERPRINT];
    struct rpc_client_config config = {.hub = o->hub, .ca_file = o->ca};
    g_autofree char *host = NULL;

    if (!split_address(o->server, &host, &config.port))
        return NULL;
    if (o->fingerprint && !rpc_fingerprint_parse(o->fingerprint, fingerprint)) {
        ctl_complain(_("a fingerprint is 32 bytes in hexadecimal digits"));
        return NULL;
    }
    config.host = host;
    config.fingerprint = o->fingerprint ? fingerprint : NULL;
    char *password = o->password_file
                         ? ctl_password_from_file(o->password_file)
                         : ctl_password_prompt(_("Password of the administrator: "), false);
    if (!password)
        return NULL;
    config.password = password;
    struct rpc_client *client = rpc_client_new(&config);
    secret_free_str(password);
    return client;
}

static struct rpc_client *
local_client(const struct options *o)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = NULL;
    g_autofree char *path = NULL;

    if (o->socket) {
        path = g_strdup(o->socket);
    } else {
        folder = o->state ? g_strdup(o->state) : pf_folder(PF_FOLDER_RUNTIME, "polyether", &error);
        if (!folder) {
            ctl_complain("%s", error->message);
            return NULL;
        }
        path = g_build_filename(folder, "server.sock", NULL);
    }
    struct rpc_client_config config = {.socket_path = path};
    return rpc_client_new(&config);
}

static bool
wants_help(char **argv)
{
    for (char **at = argv; *at && strcmp(*at, "--") != 0; at++)
        if (strcmp(*at, "--help") == 0 || strcmp(*at, "-h") == 0)
            return true;
    return false;
}

/* Help, or what is wrong with the words; otherwise the command and its words. */
static const struct ctl_command *
find_command(char **argv, unsigned *used, enum ctl_exit *result)
{
    *result = CTL_OK;
    if (!ctl_noun_exists(argv[0])) {
        ctl_complain(_("there is no noun '%s'; see --help"), argv[0]);
        *result = CTL_USAGE;
        return NULL;
    }
    const struct ctl_command *cmd = ctl_command_match(argv[0], argv + 1, used);
    bool help = wants_help(argv + 1);
    if (cmd && !help)
        return cmd;
    if (cmd) {
        ctl_help_command(stdout, cmd);
    } else if (help) {
        ctl_help_noun(stdout, argv[0]);
    } else {
        ctl_complain(_("'%s' needs one of its verbs"), argv[0]);
        ctl_help_noun(stderr, argv[0]);
        *result = CTL_USAGE;
    }
    return NULL;
}

enum ctl_exit
ctl_execute(struct ctl *c, char **argv)
{
    struct ctl_args args = {0};
    enum ctl_exit result;
    unsigned used = 0;
    const struct ctl_command *cmd = find_command(argv, &used, &result);

    if (!cmd)
        return result;
    result = CTL_USAGE;
    if (ctl_args_parse(cmd, argv + 1 + used, &args))
        result = cmd->run(c, cmd, &args);
    ctl_args_clear(&args);
    return result;
}

/* Wrong words are found before anybody is asked for a password. */
static bool
is_worth_connecting(char **argv, enum ctl_exit *result)
{
    struct ctl_args args = {0};
    unsigned used = 0;
    const struct ctl_command *cmd = find_command(argv, &used, result);

    if (!cmd)
        return false;
    bool ok = ctl_args_parse(cmd, argv + 1 + used, &args);
    ctl_args_clear(&args);
    if (!ok)
        *result = CTL_USAGE;
    return ok;
}

int
main(int argc, char **argv)
{
    struct options o = {0};
    struct ctl ctl = {0};
    enum ctl_exit result = CTL_OK;

    (void)argc;
    (void)setlocale(LC_ALL, ""); /* NOLINT(concurrency-mt-unsafe): there are no threads yet */
    bindtextdomain("polyether", POLYETHER_LOCALE);
    bind_textdomain_codeset("polyether", "UTF-8");
    textdomain("polyether");
    int made = print_made_text(argv + 1);
    if (made >= 0)
        return made;
    if (!parse_options(argv + 1, &o))
        return CTL_USAGE;
    if (o.version)
        g_print("polyetherctl " POLYETHER_VERSION "\n");
    else if (o.help && !o.rest[0])
        ctl_help(stdout);
    if (o.version || (o.help && !o.rest[0]))
        return CTL_OK;
    if (o.rest[0] && !is_worth_connecting(o.rest, &result))
        return result;
    ctl.json = o.json;
    ctl.client = o.server ? remote_client(&o) : local_client(&o);
    if (!ctl.client)
        return CTL_USAGE;
    result = o.rest[0] ? ctl_execute(&ctl, o.rest) : ctl_shell(&ctl);
    rpc_client_free(ctl.client);
    return result;
}
