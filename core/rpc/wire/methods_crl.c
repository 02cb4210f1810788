/* SPDX-License-Identifier: Apache-2.0 */
/* methods_crl.c - methods about revoked certificates. */
#include "core/rpc/wire/table.h"

#define PARTS                                                                                 \
    F_OPT("CommonName_utf", "common name of the certificate; what is empty may be anything"), \
        F_OPT("Organization_utf", "organization"), F_OPT("Unit_utf", "organizational unit"),  \
        F_OPT("Country_utf", "country"), F_OPT("State_utf", "state or province"),             \
        F_OPT("Local_utf", "locality"), F_OPT("Serial_bin", "serial number"),                 \
        F_OPT("DigestMD5_bin", "MD5 digest of the certificate"),                              \
        F_OPT("DigestSHA1_bin", "SHA-1 digest of the certificate")

static const struct rpc_field hub_in[] = {
    F("HubName_str", "name of the hub"),
    F_END,
};

static const struct rpc_field row[] = {
    F("Key_u32", "number of the entry"),
    F("CrlInfo_utf", "the entry in a line"),
    F_END,
};

static const struct rpc_field list_out[] = {
    F("HubName_str", "name of the hub"),
    F_LIST("CRLList", "entries", row),
    F_END,
};

static const struct rpc_field key_in[] = {
    F("HubName_str", "name of the hub"),
    F("Key_u32", "number of the entry"),
    F_END,
};

static const struct rpc_field entry_in[] = {
    F("HubName_str", "name of the hub"),
    PARTS,
    F_END,
};

static const struct rpc_field entry[] = {
    F("HubName_str", "name of the hub"),
    F("Key_u32", "number of the entry"),
    PARTS,
    F_END,
};

static const struct rpc_method methods[] = {
    {"EnumCrl", RPC_HUB_ADMIN, "certificates that a hub takes no more", hub_in, list_out, NULL,
     false},
    {"AddCrl", RPC_HUB_ADMIN, "revokes certificates with these parts", entry_in, entry, NULL, true},
    {"GetCrl", RPC_HUB_ADMIN, "one entry of revoked certificates", key_in, entry, NULL, false},
    {"SetCrl", RPC_HUB_ADMIN, "replaces an entry", entry, entry, NULL, true},
    {"DelCrl", RPC_HUB_ADMIN, "removes an entry", key_in, entry, NULL, true},
};

const struct rpc_area rpc_area_crl = {"Revoked certificates", methods, ARRAY_LEN(methods)};
