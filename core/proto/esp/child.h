/* SPDX-License-Identifier: Apache-2.0 */
/* child.h - a pair of ESP security associations as a key exchange hands it over. It says nothing of
 * the version of IKE. */
#pragma once

#include "core/base/addr.h"
#include "core/proto/esp/esp.h"

struct esp_selector {
    struct ip first, last; /* addresses; family 0: any */
    uint8_t protocol;      /* 0: any */
    uint16_t port;         /* 0: any */
};

struct esp_child {
    struct esp_suite suite;
    bool tunnel;              /* else transport */
    bool udp;                 /* in UDP, RFC 3948 */
    uint32_t spi_in, spi_out; /* in: ours, that the peer puts in */
    uint8_t keymat_in[ESP_KEYMAT_MAX], keymat_out[ESP_KEYMAT_MAX];
    struct esp_selector local, remote;
    uint32_t life_s;   /* 0: not said */
    uint64_t life_kib; /* 0: no limit */
};
