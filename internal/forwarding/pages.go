package forwarding

const pathAddress = "/moi/parametres/adresse"
