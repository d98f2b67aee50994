// Names that the sources lack: states by their postal code, and seas.

export const states = {
  USA: {
    AK: 'Alaska', AL: 'Alabama', AR: 'Arkansas', AZ: 'Arizona', CA: 'California', CO: 'Colorado', CT: 'Connecticut',
    DE: 'Delaware', FL: 'Florida', GA: 'Georgia', HI: 'Hawaii', IA: 'Iowa', ID: 'Idaho', IL: 'Illinois', IN: 'Indiana',
    KS: 'Kansas', KY: 'Kentucky', LA: 'Louisiana', MA: 'Massachusetts', MD: 'Maryland', ME: 'Maine', MI: 'Michigan',
    MN: 'Minnesota', MO: 'Missouri', MS: 'Mississippi', MT: 'Montana', NC: 'North Carolina', ND: 'North Dakota',
    NE: 'Nebraska', NH: 'New Hampshire', NJ: 'New Jersey', NM: 'New Mexico', NV: 'Nevada', NY: 'New York', OH: 'Ohio',
    OK: 'Oklahoma', OR: 'Oregon', PA: 'Pennsylvania', RI: 'Rhode Island', SC: 'South Carolina', SD: 'South Dakota',
    TN: 'Tennessee', TX: 'Texas', UT: 'Utah', VA: 'Virginia', VT: 'Vermont', WA: 'Washington', WI: 'Wisconsin',
    WV: 'West Virginia', WY: 'Wyoming',
  },
  CAN: {
    AB: 'Alberta', BC: 'British Columbia', MB: 'Manitoba', NB: 'New Brunswick', NL: 'Newfoundland and Labrador',
    NS: 'Nova Scotia', NT: 'Northwest Territories', NU: 'Nunavut', ON: 'Ontario', PE: 'Prince Edward Island',
    QC: 'Quebec', SK: 'Saskatchewan', YT: 'Yukon',
  },
  AUS: {
    WA: 'Western Australia', NT: 'Northern Territory', SA: 'South Australia', QL: 'Queensland', TS: 'Tasmania',
    VI: 'Victoria', NS: 'New South Wales',
  },
  BRA: {
    AC: 'Acre', AL: 'Alagoas', AM: 'Amazonas', AP: 'Amapá', BA: 'Bahia', CE: 'Ceará', ES: 'Espírito Santo', GO: 'Goiás',
    MA: 'Maranhão', MG: 'Minas Gerais', MS: 'Mato Grosso do Sul', MT: 'Mato Grosso', PA: 'Pará', PB: 'Paraíba',
    PE: 'Pernambuco', PI: 'Piauí', PR: 'Paraná', RJ: 'Rio de Janeiro', RN: 'Rio Grande do Norte', RO: 'Rondônia',
    RR: 'Roraima', RS: 'Rio Grande do Sul', SC: 'Santa Catarina', SE: 'Sergipe', SP: 'São Paulo', TO: 'Tocantins',
  },
};

// Longitude, latitude, and the zoom from which the name is shown.
export const seas = [
  ['Pacific Ocean', -140, 12, 2], ['Pacific Ocean', 160, 22, 2], ['Pacific Ocean', -115, -28, 2],
  ['Atlantic Ocean', -42, 28, 2], ['Atlantic Ocean', -15, -22, 2], ['Indian Ocean', 78, -18, 2],
  ['Arctic Ocean', -150, 78, 2], ['Southern Ocean', 20, -60, 2], ['Mediterranean Sea', 18, 34.6, 4],
  ['Caribbean Sea', -75, 15, 4], ['Gulf of Mexico', -90.5, 25.3, 4], ['Hudson Bay', -85.5, 60, 4],
  ['Black Sea', 34.5, 43.2, 5], ['Caspian Sea', 50.6, 42, 5], ['Baltic Sea', 19.6, 57.2, 5], ['North Sea', 3.2, 56.4, 4],
  ['Norwegian Sea', 3, 67, 4], ['Arabian Sea', 64, 15, 4], ['Bay of Bengal', 88, 14, 4], ['South China Sea', 114, 13.5, 4],
  ['Philippine Sea', 134, 18, 4], ['Bering Sea', -176, 58, 4], ['Coral Sea', 155, -18, 4],
  ['Tasman Sea', 160, -38, 4], ['Labrador Sea', -54, 58.5, 4], ['Gulf of Alaska', -145, 57, 4], ['Red Sea', 38.2, 20.4, 5],
];
