package mail

// The words by which servers say what is wrong, in the form that plain gives a text: lower case, without accents,
// every sign a space. A phrase begins where a word begins, and ends there too if a space ends it. They are facts about servers, in the languages that servers speak; a phrase stands here because it
// says the same wherever it is said.

// blamesUs: the answer is about who sends, not about the mailbox. These win over all others, and over every code.
var blamesUsPhrases = []string{
	// lists of addresses that send spam, and who keeps them
	"rbl", "dnsbl", "uribl", "spamhaus", "spamcop", "sorbs ", "barracudacentral", "abusix", "cloudmark", "senderscore", "uceprotect", "njabl",
	"backscatterer", "invaluement", "hostkarma", "senderbase", "talos", "sender office com", "s3150", "s3140", "s3110", "sc 001 ", "sc 002 ",
	"sc 003 ", "sc 004 ", "dy 001 ", "cs 01 ", "rp 001 ", "rp 002 ", "rp 003 ", "blacklist", "black list", "blocklist", "block list",
	"blocked list", "denylist", "liste noire", "lista negra", "lista nera", "schwarze liste", "is listed", "are listed", "currently listed",
	"ip listed", "found on one or more", "client host blocked", "client host rejected", "connection blocked", "connections from this host",
	"host is blocked", "server is blocked", "blocked ip", "ip blocked", "ip address is blocked", "ip is blocked", "ip has been blocked",
	"has been blocked from", "banned sending ip", "banned ip", "ip is banned", "sender is banned", "bloquee pour incident",
	"adresse ip source bloquee", "adresse ip bloquee", "ip refusee", "blocked due to", "blocked using", "blocked for spam",
	"blocked because of", "reset request", "delist", "removal from this list", "unblock", "part of their network is on", "dynamic ip",
	"dynamic pool", "dynamic address", "dial up", "dialup", "residential ip", "generic ptr", "invalid ip for sending", "network is on our",
	"not allowed to send mail directly", "use the smtp server of your isp", "use your isp", "use your provider",
	"this host is not allowed to", "ip not allowed", "unauthorized ip", "mismatches client ip", "does not match ip",
	// reputation
	"reputation", "suspicious due to", "user complaints", "unexpected volume", "poor sending", "bad sender", "untrusted sender",
	// rates and connections
	"too many connections", "too many concurrent", "too many simultaneous", "too many sessions", "too many messages", "too many mails",
	"too many emails", "too many errors from", "too many invalid", "too many unknown", "too many recipients from",
	"max number of connections", "connections per", "connection limit", "connection rate", "connection frequency", "ip frequency",
	"frequency limit", "rate limit", "rate exceeded", "sending rate", "ratelimit", "limit exceeded for your", "sending limit", "daily limit",
	"hourly limit", "relay quota", "sending quota", "throttl", "unusual rate", "unusual traffic", "trop de connexions", "trop de messages",
	"limite d envoi", "quota d envoi", "zu viele verbindungen", "demasiadas conexiones", "mails per session", "messages per session",
	"sent too many", "exceeded the rate", "exceeded its maximum number", "temporarily deferred due",
	// reverse DNS and greeting
	"reverse dns", "rdns", "ptr ", "no ptr", "invalid ptr", "cannot find your reverse", "unable to resolve your", "could not resolve your",
	"fix reverse", "helo command rejected", "ehlo command rejected", "invalid helo", "bad helo", "helo name", "does not resolve",
	"concurrent server connections", "too many slots", "too many spams", "does not have authentication information",
	"fails to pass authentication", "hostname lookup", "ip name lookup", "forged",
	// authentication of mail
	"dmarc", "dkim ", "spf ", "sender policy framework", "unauthenticated", "sender authentication", "required authentication level",
	"not authenticated", "authentication checks", "authentication requirements", "permitted sender", "not designated",
	"is not allowed to send mail from", "is not allowed to send from", "not authorized to send", "not authorised to send",
	"purported responsible", "sender id", "arc validation",
	// the sender's address
	"sender address rejected", "sender rejected", "sender denied", "sender refused", "sender blocked", "sender is blocked", "sender domain",
	"sender verify", "sender verification", "sender unknown", "unknown sender", "invalid sender", "sender address is", "sender does not",
	"sender is not", "sender not allowed", "sender not accepted", "sender not authorized", "sender not permitted", "sender not trusted",
	"sender has null", "domain of sender", "domain of the sender", "sender s domain", "bad address in mail from", "from domain",
	"envelope sender", "adresse de l expediteur", "adresse expediteur", "expediteur refuse", "expediteur inconnu", "expediteur invalide",
	"emetteur invalide", "emetteur inconnu", "absender", "sending domain", "your domain", "your ip", "your server", "your mail server",
	"your email server", "your host", "votre serveur", "votre ip", "accept mail from", "accepts mail from", "accept email from",
	"accept messages from", "accept connections from",
}

// full: the mailbox is there and takes nothing now: no room left, locked, not used any more.
var fullPhrases = []string{
	"mailbox full", "mailbox is full", "mailbox has exceeded", "mailbox exceeds", "mailbox size limit", "mailbox limit", "mailfolder is full",
	"mail box full", "mailbox quota", "mailbox too large", "mailbox would exceed", "inbox is full", "mailbox size exceeded", "storage limit",
	"over quota", "overquota", "over the quota", "over its quota", "out of quota", "exceeded quota", "exceeds quota", "exceeds the quota",
	"exceeded his quota", "exceeded their quota", "exceeded its quota", "exceeded your quota", "quota exceed", "quota has been exceeded",
	"quota full", "quota limit", "quota violation", "disk quota", "exceeded the max email quota", "exceeded storage", "storage quota",
	"insufficient quota", "no space left for", "out of storage", "enough storage space", "not have enough space", "message will exceed",
	"user is over", "account is full", "account is over", "account full", "user has exhausted", "benutzer hat das speichervolumen",
	"hat zuviele mails", "maximum mailbox", "exceeds allowed size", "no storage space", "boite pleine", "boite aux lettres pleine",
	"boite est pleine", "boite de reception est pleine", "boite du destinataire est pleine", "messagerie pleine", "quota depasse",
	"depasse son quota", "depassement de quota", "espace de stockage insuffisant", "postfach voll", "postfach ist voll", "mailbox ist voll",
	"quota uberschritten", "speicherplatz", "buzon lleno", "buzon esta lleno", "casilla llena", "cuota excedida", "excedido la cuota",
	"casella piena", "casella e piena", "caixa cheia", "caixa de entrada cheia", "caixa postal cheia", "postvak vol", "переполнен",
	// locked or left
	"account disabled", "is disabled", "has been disabled", "disabled recipient", "recipient disabled", "mailbox disabled",
	"deactivated mailbox", "mailbox deactivated", "is deactivated", "has been deactivated", "account deactivated", "user disabled",
	"disabled or discontinued", "address disabled", "account inactive", "is inactive", "inactive mailbox", "inactive user",
	"inactive account", "mailbox inactive", "account is not active", "account is locked", "account locked", "mailbox is locked",
	"mailbox locked", "user is locked", "temporary locked", "temporarily locked", "account suspended", "has been suspended", "is suspended",
	"mailbox suspended", "user suspended", "boite du destinataire archivee", "archived recipient", "mailbox is frozen", "mailbox frozen",
	"account is frozen", "account is blocked", "account has been blocked", "account blocked", "mailbox is blocked", "mailbox blocked",
	"recipient is blocked", "compte bloque", "compte est bloque", "compte du destinataire est bloque", "account expired",
	"has expired account", "mailbox currently suspended", "account closed temporarily", "account on hold", "boite suspendue",
	"boite desactivee", "compte suspendu", "compte desactive", "compte inactif", "compte est suspendu", "compte est desactive",
	"compte est inactif", "konto gesperrt", "konto ist gesperrt", "konto deaktiviert", "cuenta suspendida", "cuenta desactivada",
	"cuenta inactiva", "account sospeso", "conta suspensa",
}

// unwanted: this message, or mail like it, is not taken.
var unwantedPhrases = []string{
	"spam", "junk", "unsolicited", "bulk mail", "phishing", "malware", "virus", "infected", "trojan", "suspicious", "ransomware",
	"content reject", "message content", "message rejected", "message blocked", "message not accepted", "message was rejected",
	"message denied", "blocked for security", "message has been rejected", "message has been blocked", "message looks like",
	"rejected for policy", "policy violation", "policy reasons", "policy restriction", "local policy", "site policy", "security policy",
	"denied by policy", "rejected by policy", "violates", "violation of", "administrative prohibition", "administratively", "prohibited",
	"not permitted", "transport rules", "content filter", "mail filter", "filtered", "content restrictions", "blocked by",
	"rejected due to content", "header error", "headers error", "missing header", "missing message id", "missing date",
	"multiple addresses in from", "rfc 5322", "rfc5322", "rfc 2822", "not rfc", "non compliant", "not compliant", "malformed header",
	"duplicate header", "message too large", "message too big", "message size", "size limit", "too large for", "exceeds size",
	"exceeds the maximum message", "maximum size", "exceeds fixed maximum", "message exceeds", "larger than the current", "attachment",
	"file type", "executable", "bad url", "urls in", "relay access denied", "relaying denied", "relay denied", "relaying not",
	"unable to relay", "rcpthosts", "no relaying", "not allow relay", "relay not allowed", "unrouteable relay", "recipient preferences",
	"only accepts mail from", "only accept mail from", "not allowed to send to", "not authorized to", "not authorised to",
	"not authenticated to", "only members", "not a member", "moderat", "challenge", "mail rejete", "mail rejected", "courriel rejete",
	"message rejete", "message refuse", "contenu", "indesirable", "piece jointe", "nachricht abgelehnt", "mensaje rechazado",
	"correo no deseado", "messaggio rifiutato", "mensagem rejeitada", "recipient refused to accept", "media error",
	"does not support smtputf8", "8bitmime", "hop count", "too many hops", "mime error", "starttls", "must issue a", "tls required",
}

// noMailbox: there is no such mailbox. Said of a recipient that was refused at RCPT these are certain; said later,
// after the recipient was taken, they are how some gateways word that they want no mail from us.
var noMailboxPhrases = []string{
	"user unknown", "unknown user", "user is unknown", "unknown recipient", "recipient unknown", "recipient is unknown", "unknown local",
	"unknown mailbox", "unknown address", "unknown email", "unknown account", "address unknown", "mailbox unknown", "user not found",
	"user not exist", "user doesn t have a", "no user ", "users not exist", "user is not found", "user not known", "user no longer",
	"user has left", "user not local", "recipient not found", "recipient not exist", "recipient no longer", "recipient not ok",
	"recipient notfound", "recipnotfound", "recipient is not exist", "recipient cannot be found", "mailbox not found", "mailbox not exist",
	"mailbox unavailable", "mailbox not available", "mailbox is unavailable", "mailbox isn t available", "mailbox no longer",
	"invalid mailbox", "bad destination mailbox", "mailbox has been deleted", "mailbox deleted", "mailbox removed", "no mailbox",
	"no such user", "mail box not found", "mail box not available", "does not exist", "doesn t exist", "doesnt exist", "not a known user",
	"no such mailbox", "no such recipient", "no such address", "no such person", "no such account", "no such local", "no such email",
	"no such name", "no such alias", "no such domain at this", "no account by", "no account for", "no valid recipient", "no valid mailbox",
	"not a valid mailbox", "not a valid user", "not a valid recipient", "not a valid address", "not a known address", "not a local",
	"not our customer", "not known at this", "does not have an account", "doesn t have an account", "is not known", "is not a user",
	"is not a recipient", "not in our database", "invalid user", "invalid recipient", "invalid address", "invalid final delivery",
	"invalid account", "address not found", "address wasn t found", "address was not found", "address no longer", "address is unknown",
	"address is not valid", "address is invalid", "address invalid", "account not found", "account is not available", "account no longer",
	"account has been closed", "account closed", "account has been deleted", "account deleted", "account is closed",
	"recipient address rejected user", "unknown in virtual", "unknown in local", "unknown in relay", "unknown or illegal alias",
	"unrouteable address", "unroutable address", "undeliverable address", "undeliverable recipient", "name is not recognized",
	"recipient address rejected undeliverable", "does not like recipient", "has moved to", "no longer on server", "no longer valid",
	"no longer available", "no longer in use", "no longer active", "no longer accepts", "no longer employed", "no longer works",
	"left the company", "nosuchuser", "utilisateur inconnu", "destinataire inconnu", "destinataire invalide", "adresse inconnue",
	"adresse invalide", "adresse destinataire", "boite inconnue", "boite inexistante", "compte inexistant", "compte inconnu", "n existe pas",
	"n existe plus", "adresse inexistante", "aucun utilisateur", "benutzer unbekannt", "unbekannter benutzer", "empfanger unbekannt",
	"unbekannter empfanger", "empfanger existiert nicht", "adresse existiert nicht", "usuario desconocido", "usuario no existe",
	"destinatario desconocido", "buzon no existe", "utente sconosciuto", "destinatario sconosciuto", "utente inesistente", "non esiste",
	"usuario desconhecido", "usuario inexistente", "nao existe", "destinatario inexistente", "gebruiker onbekend", "bestaat niet",
	"onbekende gebruiker", "не существует", "не найден", "нет такого пользователя", "neexistuje", "存在しません", "見つかりません", "宛先不明", "用户不存在",
	"地址不存在",
}

// noDomain: nobody takes mail for the domain. It is certain whoever says it, unless it is about the sender's.
var noDomainPhrases = []string{
	"domain does not exist", "domain doesn t exist", "domain not found", "domain is not found", "no such domain", "unknown domain",
	"domain unknown", "bad destination system", "bad destination host", "domain is not reachable", "domain isn t reachable", "nxdomain",
	"non existent domain", "domain name not found", "domain couldn t be found", "domain wasn t found", "host unknown", "unknown host",
	"host not found", "no such host", "name or service not known", "hostname not found", "couldn t find any host", "could not find any host",
	"unrouteable mail domain", "unroutable mail domain", "unrouteable domain", "all relevant mx records point to non existent",
	"all host address lookups failed permanently", "no mx", "null mx", "nullmx", "record indicated no smtp service", "doesn t accept mail",
	"does not accept email", "doesn t accept email", "doesn t receive email", "does not receive email", "no mail exchanger",
	"couldn t find a mail exchanger", "could not find a mail exchanger", "not accept mail", "not accepting network messages",
	"no route to domain", "dns lookup failure host", "name is not recognized", "invalid final delivery userid", "domaine inconnu",
	"domaine inexistant", "domaine n existe pas", "domaine introuvable", "hote inconnu", "domain unbekannt", "domain existiert nicht",
	"dominio no existe", "dominio desconocido", "dominio inesistente", "dominio sconosciuto", "dominio nao existe", "dominio inexistente",
	"no mailbox here by that name", "домен не существует", "domena neexistuje",
}

// certain: large sites have words of their own for an address that is not there, and say them at any stage.
var certainPhrases = []string{
	"not listed in domino", "not listed in public name", "repertorie dans l annuaire domino", "delivery error dd this user doesn t have a",
	"requested mail action aborted mailbox not found",
	"account or domain may not exist they may be blacklisted", // cPanel, of a domain that cannot be looked up
}

// busy: the mailbox takes no more for the moment, whatever the code says.
var busyPhrases = []string{"receiving mail at a rate", "receiving mail too quickly", "receiving email at a rate", "receiving email too quickly"}

// later: nothing is decided yet, or it was tried until the time was over.
var laterPhrases = []string{
	"greylist", "graylist", "grey listed", "gray listed", "try again", "try later", "temporary", "temporarily", "temporaire", "reessayer",
	"deferred", "expired", "has been delayed", "delayed for", "not yet been delivered", "will be retried", "will continue to",
	"warning message only", "timed out", "timeout", "time out", "connection refused", "connection reset", "connection dropped",
	"connection lost", "lost connection", "couldn t connect", "could not connect", "unable to connect", "failed to connect", "cannot connect",
	"connect to", "not accept our requests to connect", "refused to accept a connection", "establish an smtp connection",
	"host not reachable", "no answer from", "not responding", "did not respond", "queue too long", "retry time",
	"could not deliver for the last", "delivery failed 20 attempts", "unable to deliver message for", "server busy", "server too busy",
	"service unavailable", "service not available", "service currently unavailable", "system not available", "insufficient system",
	"system resources", "internal error", "internal server error", "local error", "host name lookup failure", "dns failure", "dns error",
	"servfail", "malformed or unexpected name server", "could not be resolved", "network unreachable", "network is unreachable",
	"no route to host", "delai depasse", "delai expire", "plus tard", "zeituberschreitung", "verzogert", "tiempo agotado",
}
