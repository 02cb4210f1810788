/* SPDX-License-Identifier: Apache-2.0 */
/* account.h - what is needed to connect to one hub: where, as whom, and what the adapter gets.
 *
 * An account is changed only whole: a copy is changed field by field (account_apply), checked, and
 * then takes the place of the old one. Its JSON form is that of the control socket and of the file;
 * passwords and keys go in by it but never come out: in files they are sealed (account_store.h).
 */
#pragma once

#include "apps/client/parse.h"
#include "core/base/secret.h"
#include "core/proto/sevpn/client.h"

#include <glib.h>
#include <jansson.h>

#include <stdbool.h>
#include <stdint.h>

enum {
    ACCOUNT_ROUTES = 256,
    ACCOUNT_CONNECTIONS = 32,
    ACCOUNT_TEXT_MAX = 255,
    ACCOUNT_PEM_MAX = 65536,
    ACCOUNT_ID_BYTES = 8,
    ACCOUNT_MARK = 0x7065,
};

enum account_login {
    ACCOUNT_PASSWORD, /* by the protocol's hash; the password itself is not kept */
    ACCOUNT_PLAIN,    /* the password goes to the server, inside TLS: for RADIUS and the like */
    ACCOUNT_ANONYMOUS,
    ACCOUNT_CERT,
};

enum account_trust {
    ACCOUNT_TRUST_ASK,    /* the system's authorities; what they do not know, a person may pin */
    ACCOUNT_TRUST_SYSTEM, /* the system's authorities, or those of ca_file, and nobody else */
    ACCOUNT_TRUST_PIN,    /* exactly one certificate */
};

struct account {
    char *id; /* random, hexadecimal: the file's name, and what the adapter's MAC is made from */
    char *name;
    char *host;
    uint16_t port;
    char *hub, *user;
    enum account_login login;
    bool has_password; /* user_hash or password is set, whichever login wants */
    uint8_t user_hash[20];
    struct secret *password;
    char *cert_pem; /* NULL for none */
    struct secret *key_pem;

    unsigned connections;
    bool half_duplex, compress, super_frames;
    struct parse_proxy proxy;
    struct secret *proxy_password;

    char *adapter; /* "" for the daemon's choice */
    enum address_mode address_mode;
    struct ip_prefix address; /* ADDRESS_STATIC */
    struct ip gateway;        /* family 0 for none */
    GArray *routes;           /* struct ip_prefix */
    bool all_traffic, accept_routes, startup;
    uint32_t mark;

    enum account_trust trust;
    uint8_t pin[32];
    char *ca_file; /* NULL for the system's */

    bool has_worked; /* a login with these credentials was accepted once */
};

/* With a new id and the defaults; not valid before name, server, hub and login were set. */
struct account *account_new(void);
struct account *account_copy(const struct account *a);
void account_free(struct account *a); /* wipes */

/* Sets the fields that the object has. A field that is not known or cannot be so is refused, and
 * then a is good for nothing but account_free(): work on a copy. */
bool account_apply(struct account *a, const json_t *fields, GError **error);
/* All fields but the secret ones; for those "has_password" and so on. New reference. */
json_t *account_to_json(const struct account *a);
/* Whether the parts fit together. */
bool account_check(const struct account *a, GError **error);

/* The adapter's address: locally administered, the same for the account's whole life. */
void account_mac(const struct account *a, uint8_t mac[6]);

/* What the protocol needs of it. host_name and unique_id are the caller's to fill in. Fails when
 * the certificate or the key cannot be read. Clear it with sevpn_client_config_clear(). */
bool account_to_config(const struct account *a, struct sevpn_client_config *out, GError **error);
