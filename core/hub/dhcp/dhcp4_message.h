/* SPDX-License-Identifier: Apache-2.0 */
/* dhcp4_message.h - what a DHCPv4 server reads in a message of a client, and what it answers with.
 */
#pragma once

#include "core/base/addr.h"
#include "core/base/reader.h"
#include "core/base/writer.h"
#include "core/hub/dhcp/lease.h"
#include "core/net/dhcp4.h"

#include <stdbool.h>
#include <stdint.h>

enum { DHCP4_PARAMETERS_MAX = 255 };

struct dhcp4_request {
    enum dhcp4_type type;
    uint32_t xid;
    bool broadcast;
    uint32_t ciaddr, giaddr;
    struct mac chaddr, from;
    uint32_t address; /* option 50; 0: none */
    uint32_t server;  /* option 54; 0: none */
    uint32_t lease_s; /* option 51; 0: none */
    uint16_t room;    /* what the answer may take, without IP and UDP headers */
    bool has_parameters;
    uint8_t parameter[DHCP4_PARAMETERS_MAX];
    uint8_t n_parameters;
    uint8_t client_id[134];
    uint8_t client_id_len; /* 0: none, or longer than what is kept */
    char hostname[64];     /* only letters, digits, '-', '.' and '_' */
    unsigned tries;        /* addresses that were in use; the server's own */
};

/* False when it is no message from a client that has a hardware address. */
bool dhcp4_request_read(struct reader message, const struct mac *from, struct dhcp4_request *out);

/* An OFFER, ACK or NAK with the options of the configuration that the client asked for, as far as
 * there is room. lease_s 0: no lease is given with it. */
void dhcp4_answer_write(struct writer *w, const struct dhcp4_server_config *config,
                        const struct dhcp4_request *r, enum dhcp4_type type, uint32_t yiaddr,
                        uint32_t lease_s);
