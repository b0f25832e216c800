package gen

// The names are made up of parts that are common in several countries, some with letters
// outside of ASCII, as directories have them. Each stands with the form that ids are made of.

func firstNames() []string {
	return []string{
		"Ada", "Aino", "Akira", "Alma", "Amina", "Ana", "Anders", "Anouk", "Arjun", "Astrid", "Aylin", "Bao", "Beatriz", "Björn", "Bruno", "Camille",
		"Carlos", "Chiara", "Chloé", "Dalia", "Damir", "Daniel", "Divya", "Dominik", "Edith", "Eero", "Elif", "Emil", "Esther", "Farah", "Femi", "Finn",
		"Frida", "Gareth", "Giulia", "Hana", "Hassan", "Helena", "Hugo", "Ines", "Ingrid", "Isaac", "Ivo", "Jana", "Jonas", "José", "Kaito", "Karim",
		"Katya", "Kofi", "Lara", "Leila", "Liam", "Lucía", "Magnus", "Maja", "Marek", "Mei", "Milan", "Nadia", "Nils", "Noor", "Olga", "Omar",
		"Paula", "Pedro", "Petra", "Priya", "Rafael", "Rania", "Ravi", "Rosa", "Ruben", "Sakura", "Samir", "Sanna", "Sofia", "Søren", "Tariq", "Thandi",
		"Tomás", "Ulla", "Vera", "Victor", "Wanjiru", "Wei", "Yara", "Yusuf", "Zofia", "Zuri",
	}
}

func lastNames() []string {
	return []string{
		"Abe", "Acosta", "Ahmed", "Almeida", "Andersen", "Asante", "Bakker", "Banerjee", "Barros", "Bauer", "Becker", "Bergström", "Bianchi", "Brennan", "Castillo", "Chen",
		"Costa", "Dahl", "Diallo", "Dubois", "Eriksen", "Falk", "Farouk", "Fischer", "Fontaine", "Fujita", "García", "Gashi", "Grünwald", "Gupta", "Haddad", "Hansen",
		"Haugen", "Herrera", "Hoffmann", "Horvat", "Ibrahim", "Ito", "Jansen", "Jensen", "Kaplan", "Kaur", "Keller", "Kim", "Koskinen", "Kovács", "Kowalski", "Lambert",
		"Larsen", "Lehmann", "Lindqvist", "Lopes", "Mahmoud", "Marino", "Martins", "Mbeki", "Meyer", "Mensah", "Molina", "Moreau", "Nakamura", "Navarro", "Nguyen", "Novak",
		"Nowak", "Nwosu", "Okafor", "Okoye", "Olsen", "Ortega", "Osei", "Park", "Patel", "Pereira", "Petrov", "Popescu", "Quist", "Rahman", "Ramos", "Reid",
		"Ribeiro", "Richter", "Rossi", "Ruiz", "Sato", "Schmidt", "Sharma", "Silva", "Singh", "Sørensen", "Suzuki", "Tanaka", "Torres", "Varga", "Virtanen", "Wagner",
		"Wójcik", "Yilmaz", "Zhang", "Zimmer",
	}
}

// departments are the first ten; larger organisations have them again in every region.
func departments() []string {
	return []string{"engineering", "data", "finance", "sales", "support", "legal", "marketing", "operations", "security", "people"}
}

func regions() []string { return []string{"", "-emea", "-apac", "-latam"} }

func sites() []string { return []string{"berlin", "cork", "lisbon", "nairobi", "osaka", "remote"} }

func titles() []string {
	return []string{"Analyst", "Engineer", "Specialist", "Coordinator", "Senior Analyst", "Senior Engineer", "Senior Specialist"}
}

// systemNames begin with those that everybody uses.
func systemNames() []string { return []string{"office", "drive", "directory"} }

func toolNames() []string {
	return []string{"warehouse", "tracker", "ledger", "crm", "vault", "builds", "wiki", "payroll", "analytics", "tickets"}
}

// ascii is the form of a name that ids are made of.
func ascii(s string) string {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		switch r {
		case 'ö', 'ø', 'ó', 'Ø':
			out = append(out, 'o')
		case 'é':
			out = append(out, 'e')
		case 'á':
			out = append(out, 'a')
		case 'í':
			out = append(out, 'i')
		case 'ü':
			out = append(out, 'u')
		default:
			if r >= 'A' && r <= 'Z' {
				r += 'a' - 'A'
			}
			out = append(out, byte(r))
		}
	}
	return string(out)
}
