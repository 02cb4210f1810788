/* SPDX-License-Identifier: Apache-2.0 */
/* store.h - the only door to configuration and users: transactions and typed reads over SQLite.
 *
 * Every change is durable (fsync) when the call returns true. Control thread only. Secrets that
 * must be kept in a form that can be used (SE-VPN and NT hashes, private keys) are encrypted with
 * the key file beside the database (AES-256-GCM, bound to table, row and column). Files are 0600,
 * the folder is made 0700. One process at a time (lock).
 *
 * Names of hubs and users are compared without regard to the case of ASCII letters, and keep the
 * spelling they were created with. Input is checked here: what is refused as such is
 * PE_INVALID_PARAMETER, with a sentence that names the thing. Reads return what is there; a
 * database that cannot be read (a broken disk) is logged as an error and looks empty.
 */
#pragma once

#include "core/base/fixed_address.h"
#include "core/base/policy.h"
#include "core/base/types.h"

#include <glib.h>

#include <stdbool.h>
#include <stdint.h>

struct store;

/* What an administrator can make grow; beyond it PE_TOO_MANY_... */
enum {
    STORE_HUBS_MAX = 4096,
    STORE_USERS_MAX = 100000,       /* of one hub */
    STORE_GROUPS_MAX = 10000,       /* of one hub */
    STORE_ACCESS_RULES_MAX = 32768, /* of one hub */
    STORE_SOURCE_RULES_MAX = 4096,  /* of one hub */
    STORE_CAS_MAX = 256,            /* of one hub */
    STORE_BRIDGES_MAX = 4096,
    STORE_LISTENERS_MAX = 256,
    STORE_ROUTERS_MAX = 1024,
    STORE_BANS_MAX = 8192, /* those that end first make room */
    STORE_CRLS_MAX = 4096, /* of one hub */
    STORE_NAME_MAX = 255,  /* bytes: hubs, users, groups, devices, common names */
    STORE_TEXT_MAX = 4096, /* bytes: real name, note */
};

/* Opens or makes folder/polyether.db and folder/polyether.key, and brings the schema up to date. */
struct store *store_open(const char *folder, GError **error);
/* Writes the lazy counters, and lets go of the folder. NULL is fine. */
void store_close(struct store *s);

/* Several changes as one: all or none of them, and one fsync instead of one each. Within it each
 * change that fails undoes only itself. May be nested. */
bool store_begin(struct store *s, GError **error);
bool store_commit(struct store *s, GError **error); /* false: everything was undone */
void store_rollback(struct store *s);

/* ---- settings of the server: small named values (letters, digits, '.', '-', '_') ---- */
char *store_get_text(struct store *s, const char *name); /* NULL when unset; g_free */
bool store_set_text(struct store *s, const char *name, const char *value,
                    GError **error); /* NULL: unset */
/* As above, encrypted. bytes NULL: unset. */
GBytes *store_get_secret(struct store *s, const char *name);
bool
store_set_secret(struct store *s, const char *name, const void *bytes, size_t len, GError **error);

/* ---- listeners ---- */
struct store_listener {
    uint16_t port;
    bool enabled;
};
GArray *store_listeners(struct store *s); /* of struct store_listener, by port */
/* Adds it, or changes the one of that port. */
bool store_listener_put(struct store *s, const struct store_listener *l, GError **error);
bool
store_listener_delete(struct store *s, uint16_t port, GError **error); /* PE_LISTENER_NOT_FOUND */

/* ---- hubs ---- */
struct store_hub {
    char *name;
    bool online, no_enum;
    unsigned max_sessions;
    char *admin_verifier; /* scrypt, or NULL: the hub has no administrator login */
    bool has_admin_hash;
    uint8_t admin_hash[20];         /* SHA0(password): management of SE-VPN tools */
    uint8_t admin_user_hash[20];    /* SHA0(password || "ADMINISTRATOR"): login to the hub */
    int64_t created_ms, updated_ms; /* as with users, below */
};
void store_hub_free(struct store_hub *h);
GPtrArray *store_hubs(struct store *s); /* of struct store_hub, by name */
struct store_hub *store_hub_get(struct store *s, const char *name);
bool
store_hub_create(struct store *s, const struct store_hub *h, GError **error); /* PE_HUB_EXISTS */
bool
store_hub_update(struct store *s, const struct store_hub *h, GError **error); /* PE_HUB_NOT_FOUND */
bool store_hub_delete(struct store *s, const char *name, GError **error);

/* Small named values of one hub, as those of the server above: "option.NoIpTable". PE_HUB_NOT_FOUND
 * when they are set; unset where there is no hub. */
char *store_hub_get_text(struct store *s, const char *hub, const char *name);
bool store_hub_set_text(struct store *s, const char *hub, const char *name, const char *value,
                        GError **error);
GBytes *store_hub_get_secret(struct store *s, const char *hub, const char *name);
bool store_hub_set_secret(struct store *s, const char *hub, const char *name, const void *bytes,
                          size_t len, GError **error);
/* Names and values (char *) of those that begin with prefix; sealed ones are not in it. */
GHashTable *store_hub_texts(struct store *s, const char *hub, const char *prefix);

/* ---- groups ---- */
struct store_group {
    char *name, *realname, *note;
    bool has_policy;
    struct policy policy;
    char *limits;                   /* text of whoever reads it, or NULL */
    int64_t created_ms, updated_ms; /* as with users, below */
};
void store_group_free(struct store_group *g);
GPtrArray *store_groups(struct store *s, const char *hub); /* of struct store_group, by name */
struct store_group *store_group_get(struct store *s, const char *hub, const char *name);
bool store_group_create(struct store *s, const char *hub, const struct store_group *g,
                        GError **error); /* PE_GROUP_EXISTS */
bool store_group_update(struct store *s, const char *hub, const struct store_group *g,
                        GError **error); /* PE_GROUP_NOT_FOUND */
/* Its members are in no group then. */
bool store_group_delete(struct store *s, const char *hub, const char *name, GError **error);

/* ---- administration options of a hub: numbers, 0 for no restriction ---- */
struct store_admin_option {
    const char *name, *text;
};
const struct store_admin_option *store_admin_option_at(unsigned i); /* NULL past the end */
/* name is one of the list. */
uint32_t store_admin_option(struct store *s, const char *hub, const char *name);
bool store_admin_option_set(struct store *s, const char *hub, const char *name, uint32_t value,
                            GError **error); /* PE_HUB_NOT_FOUND, PE_INVALID_PARAMETER */
/* What they take from every policy of the hub. */
void store_tighten_policy(struct store *s, const char *hub, struct policy *p);

/* ---- policies ---- */
struct store_user;
/* Of users who have none by user or group. False, and the default of the program: it is not set. */
bool store_hub_policy(struct store *s, const char *hub, struct policy *out);
bool store_hub_set_policy(struct store *s, const char *hub, const struct policy *policy,
                          GError **error); /* NULL: unset. PE_HUB_NOT_FOUND */
/* What holds for a user: the own one, else that of the group, else that of the hub; tightened by
 * the administration options of the hub. */
struct policy store_user_policy(struct store *s, const char *hub, const struct store_user *u);

/* ---- users ---- */
struct store_user {
    char *name, *group, *realname, *note; /* NULL is taken as "" */
    /* created_ms: 0 at creation means now. The store itself sets updated_ms. */
    int64_t created_ms, updated_ms, expires_ms;
    unsigned auth_type; /* UserAuthType of the API */
    char *verifier;     /* type 1 */
    bool has_sevpn_hash, has_nt_hash;
    uint8_t sevpn_hash[20], nt_hash[16];
    GBytes *cert;  /* type 2 */
    char *cert_cn; /* type 3 */
    GBytes *cert_serial;
    char *external_name; /* types 4, 5 */
    bool has_policy;
    struct policy policy;
    struct fixed_address address;
    /* Counters: read here, written only by store_user_note_login() and _add_traffic(). */
    unsigned logins;
    int64_t last_login_ms;
    uint64_t traffic[8]; /* recv broadcast bytes, count, unicast bytes, count; then send */
};
void store_user_free(struct store_user *u);
/* Of struct store_user, complete, by name; empty when there is no such hub. */
GPtrArray *store_users(struct store *s, const char *hub);
unsigned store_users_count(struct store *s, const char *hub);
struct store_user *store_user_get(struct store *s, const char *hub, const char *name);
bool store_user_create(struct store *s, const char *hub, const struct store_user *u,
                       GError **error); /* PE_USER_EXISTS */
bool store_user_update(struct store *s, const char *hub, const struct store_user *u,
                       GError **error); /* PE_NOT_FOUND */
bool store_user_delete(struct store *s, const char *hub, const char *name, GError **error);
/* Counters; lazily written (with the next change or after a minute), they need not survive a crash.
 */
void store_user_note_login(struct store *s, const char *hub, const char *name, int64_t at_ms);
void
store_user_add_traffic(struct store *s, const char *hub, const char *name, const uint64_t add[8]);

/* The secret of a user's one-time codes, as text of whoever reads it; secret_free_str(). NULL: the
 * user has none; "": it was changed by somebody else. */
char *store_user_totp(struct store *s, const char *hub, const char *user);
bool store_user_set_totp(struct store *s, const char *hub, const char *user, const char *totp,
                         GError **error); /* NULL: none. PE_NOT_FOUND */
/* Marks the codes up to this step as used, durably. False: they are already, or it failed. */
bool store_user_use_totp(struct store *s, const char *hub, const char *user, int64_t step);

/* ---- trusted authorities of a hub ---- */
struct store_ca {
    uint32_t key;
    GBytes *der;
};
void store_ca_free(struct store_ca *c);
GPtrArray *store_cas(struct store *s, const char *hub); /* of struct store_ca, by key */
/* PE_EXISTS when the hub has it already. key may be NULL. */
bool store_ca_add(struct store *s, const char *hub, GBytes *der, uint32_t *key, GError **error);
bool store_ca_delete(struct store *s, const char *hub, uint32_t key, GError **error);

/* ---- certificates that a hub takes no more ---- */
struct store_crl {
    uint32_t key;
    char *entry; /* text of whoever reads it */
};
void store_crl_free(struct store_crl *c);
GPtrArray *store_crls(struct store *s, const char *hub); /* of struct store_crl, by key */
/* key may be NULL. */
bool
store_crl_add(struct store *s, const char *hub, const char *entry, uint32_t *key, GError **error);
bool store_crl_set(struct store *s, const char *hub, uint32_t key, const char *entry,
                   GError **error); /* PE_NOT_FOUND, as with the next */
bool store_crl_delete(struct store *s, const char *hub, uint32_t key, GError **error);

/* ---- addresses that are banned ---- */
struct store_ban {
    struct ip_prefix who;
    unsigned times;
    int64_t until_ms;
};
GArray *store_bans(struct store *s); /* of struct store_ban, the first to end first */
/* Adds or replaces all of them in one transaction; those that were over at before_ms are
 * forgotten. */
bool store_bans_put(struct store *s, const struct store_ban *b, unsigned n, int64_t before_ms,
                    GError **error);
bool store_ban_delete(struct store *s, const struct ip_prefix *who, GError **error); /* or none */

/* ---- the virtual host of a hub ---- */
/* Its options as the text that was set, NULL when it never was; g_free. */
char *store_securenat_get(struct store *s, const char *hub, bool *enabled);
/* PE_HUB_NOT_FOUND */
bool store_securenat_set(struct store *s, const char *hub, bool enabled, const char *options,
                         GError **error);
GPtrArray *store_securenat_hubs(struct store *s); /* names of hubs where it is enabled */

struct store_lease {
    struct ip ip;
    struct mac mac;
    GBytes *client_id;
    char *hostname;
    int64_t leased_ms, expires_ms; /* expires_ms 0: delete it */
};
void store_lease_free(struct store_lease *l);
GPtrArray *store_leases(struct store *s, const char *hub); /* of struct store_lease */
/* All of them in one transaction; those that are there are replaced. */
bool store_leases_put(struct store *s, const char *hub, const struct store_lease *l, unsigned n,
                      GError **error);

/* ---- access rules, and rules for the addresses of clients ---- */
enum store_rules { STORE_ACCESS_RULES, STORE_SOURCE_RULES };
struct store_rule {
    uint32_t id; /* stays with the rule, and is no other's */
    char *text;  /* of whoever reads it */
};
/* Of struct store_rule, by id; empty when there is no such hub. Frees the texts. */
GArray *store_rules(struct store *s, enum store_rules which, const char *hub);
unsigned store_rules_count(struct store *s, enum store_rules which, const char *hub);
/* PE_HUB_NOT_FOUND, PE_TOO_MANY_ITEMS */
bool store_rule_add(struct store *s, enum store_rules which, const char *hub, const char *text,
                    uint32_t *id, GError **error);
bool store_rule_set(struct store *s, enum store_rules which, const char *hub, uint32_t id,
                    const char *text, GError **error); /* PE_NOT_FOUND */
bool store_rule_delete(struct store *s, enum store_rules which, const char *hub, uint32_t id,
                       GError **error); /* PE_NOT_FOUND */
/* All of them at once. A rule whose id the hub has keeps it, others get new ones. */
bool store_rules_replace(struct store *s, enum store_rules which, const char *hub,
                         const struct store_rule *rules, unsigned n, GError **error);

/* ---- local bridges ---- */
struct store_bridge {
    char *hub, *device;
    bool tap;
};
void store_bridge_free(struct store_bridge *b);
GPtrArray *store_bridges(struct store *s); /* of struct store_bridge, by hub and device */
bool
store_bridge_add(struct store *s, const struct store_bridge *b, GError **error); /* PE_EXISTS */
bool store_bridge_delete(struct store *s, const char *hub, const char *device,
                         GError **error); /* PE_NOT_FOUND */

/* ---- routers that bring Ethernet by IPsec ---- */
struct store_router {
    char *id; /* of IKE, compared without regard to case */
    char *hub, *user;
    GBytes *psk;     /* of its own, or NULL */
    bool aggressive; /* may use aggressive mode */
    char *session;   /* of static L2TPv3, as text of whoever reads it; NULL is taken as "" */
};
void store_router_free(struct store_router *r);
GPtrArray *store_routers(struct store *s); /* of struct store_router, by id */
struct store_router *store_router_get(struct store *s, const char *id);
/* Adds it, or replaces the one of that id. PE_HUB_NOT_FOUND; the user may be made later. */
bool store_router_put(struct store *s, const struct store_router *r, GError **error);
bool store_router_delete(struct store *s, const char *id, GError **error); /* PE_NOT_FOUND */

/* Writes the lazy counters now. */
void store_flush(struct store *s);
